# Sourced by the scripts: configuring and building a preset of CMakePresets.json with progress, logs kept.
# SPDX-License-Identifier: MIT

# configure PRESET [ARGUMENTS]: the log is shown only when it fails.
configure() {
    local name=$1
    shift
    mkdir -p "build/$name"
    if ! cmake --preset "$name" "$@" >"build/$name/configure.log" 2>&1; then
        tail -n 30 "build/$name/configure.log"
        echo "   configuring '$name' failed; the whole log is build/$name/configure.log"
        return 1
    fi
}

# compile PRESET [TARGETS]: a line of progress at each fifth, the errors when there are any.
compile() {
    local name=$1 log="build/$1/build.log"
    shift
    if ! ninja -C "build/$name" -j "${WEFT_JOBS:-$(nproc)}" -k 20 "$@" 2>&1 | tee "$log" | awk '
        /^\[[0-9]+\/[0-9]+\]/ {
            split(substr($1, 2), part, /[\/\]]/)
            fifth = int(part[1] * 5 / part[2])
            if (fifth != last && part[1] < part[2]) { printf "   %d of %d steps\n", part[1], part[2]; fflush() }
            last = fifth
        }'; then
        grep -E -A12 'error:|FAILED:|undefined (symbol|reference)' "$log" | head -n 60 || true
        echo "   building '$name' failed; the whole log is $log"
        return 1
    fi
}
