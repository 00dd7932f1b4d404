// The dynamic symbols that dladdr() sees leave out static functions, and every resume function of a coroutine is one, so the full
// table is read from the file. Names follow the compilers: clang appends `.resume` to the coroutine's own name, GCC hides it in
// `<caller>PZ…E<length><coroutine>.Frame.actor`.
// SPDX-License-Identifier: MIT

#include "weft/base/symbols.hpp"

#include <cxxabi.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <mutex>
#include <string_view>
#include <vector>

namespace weft::inline WEFT_ABI::detail {
namespace {

struct symbol {
    std::uintptr_t begin;
    std::uintptr_t size;
    std::string name;
};

/// A file mapped for reading; empty when that fails.
class mapped_file {
public:
    explicit mapped_file(const char* path) noexcept {
        const int descriptor = ::open(path, O_RDONLY | O_CLOEXEC);
        if (descriptor < 0) return;
        struct stat status{};
        if (::fstat(descriptor, &status) == 0 && status.st_size > 0) {
            size_ = static_cast<std::size_t>(status.st_size);
            void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, descriptor, 0);
            if (mapped != MAP_FAILED) data_ = static_cast<const char*>(mapped);
        }
        ::close(descriptor);
    }
    ~mapped_file() {
        if (data_ != nullptr) ::munmap(const_cast<char*>(data_), size_);
    }
    mapped_file(const mapped_file&) = delete;
    mapped_file& operator=(const mapped_file&) = delete;

    /// `count` objects at `offset`; null when the file is shorter.
    template <class T>
    [[nodiscard]] const T* at(std::uint64_t offset, std::uint64_t count = 1) const noexcept {
        if (data_ == nullptr || offset > size_ || count > (size_ - offset) / sizeof(T)) return nullptr;
        return reinterpret_cast<const T*>(data_ + offset);
    }

private:
    const char* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Adds the functions of one section. Every offset comes from the file, so every one is checked.
void read_section(
    const mapped_file& file, const ElfW(Shdr) & section, const ElfW(Shdr) & strings, std::vector<symbol>& into) {
    const std::uint64_t count = section.sh_size / sizeof(ElfW(Sym));
    const auto* symbols = file.at<ElfW(Sym)>(section.sh_offset, count);
    const char* names = file.at<char>(strings.sh_offset, strings.sh_size);
    if (symbols == nullptr || names == nullptr) return;
    for (std::uint64_t index = 0; index < count; ++index) {
        const ElfW(Sym)& each = symbols[index];
        if (ELF64_ST_TYPE(each.st_info) != STT_FUNC || each.st_value == 0 || each.st_name >= strings.sh_size) continue;
        const char* name = names + each.st_name;
        into.push_back(
            symbol{each.st_value, each.st_size, std::string(name, ::strnlen(name, strings.sh_size - each.st_name))});
    }
}

std::vector<symbol> read_symbols(const char* path) {
    std::vector<symbol> found;
    const mapped_file file(path);
    const auto* header = file.at<ElfW(Ehdr)>(0);
    if (header == nullptr || std::memcmp(header->e_ident, ELFMAG, SELFMAG) != 0) return found;
    const auto* sections = file.at<ElfW(Shdr)>(header->e_shoff, header->e_shnum);
    if (sections == nullptr) return found;
    for (const unsigned wanted : {unsigned{SHT_SYMTAB}, unsigned{SHT_DYNSYM}}) {
        for (unsigned index = 0; index < header->e_shnum; ++index) {
            if (sections[index].sh_type != wanted || sections[index].sh_link >= header->e_shnum) continue;
            read_section(file, sections[index], sections[sections[index].sh_link], found);
        }
        if (!found.empty()) break;
    }
    std::sort(found.begin(), found.end(), [](const symbol& a, const symbol& b) { return a.begin < b.begin; });
    return found;
}

/// The library or program that holds an address.
struct loaded_file {
    std::uintptr_t address = 0;
    std::uintptr_t base = 0;
    std::string path;

    static int visit(dl_phdr_info* info, std::size_t, void* argument) {
        auto& self = *static_cast<loaded_file*>(argument);
        for (unsigned index = 0; index < info->dlpi_phnum; ++index) {
            const ElfW(Phdr)& part = info->dlpi_phdr[index];
            if (part.p_type != PT_LOAD) continue;
            const std::uintptr_t begin = info->dlpi_addr + part.p_vaddr;
            if (self.address < begin || self.address - begin >= part.p_memsz) continue;
            self.base = info->dlpi_addr;
            self.path = info->dlpi_name == nullptr || *info->dlpi_name == '\0' ? "/proc/self/exe" : info->dlpi_name;
            return 1;
        }
        return 0;
    }
};

/// GCC's actor function: the coroutine's name stands between the number that counts it and `.Frame`.
std::string_view behind_gcc_actor(std::string_view name) noexcept {
    constexpr std::string_view end = ".Frame";
    const std::size_t frame = name.rfind(end);
    if (frame == std::string_view::npos) return name;
    for (std::size_t at = name.find("_Z", 1); at != std::string_view::npos && at < frame; at = name.find("_Z", at + 1)) {
        std::size_t digits = at;
        while (digits > 0 && std::isdigit(static_cast<unsigned char>(name[digits - 1])) != 0) --digits;
        std::size_t length = 0;
        std::from_chars(name.data() + digits, name.data() + at, length);
        if (length == frame + end.size() - at) return name.substr(at, frame - at);
    }
    return name;
}

std::string readable(std::string_view symbol_name) {
    std::string_view name = behind_gcc_actor(symbol_name);
    name = name.substr(0, name.find('.'));  // clang's parts: .resume, .destroy
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> plain(
        abi::__cxa_demangle(std::string(name).c_str(), nullptr, nullptr, &status), &std::free);
    return plain == nullptr ? std::string(name) : std::string(plain.get());
}

}  // namespace

std::string function_name(const void* address) {
    // Never destroyed: reports are made until the very end of the process.
    static std::mutex& lock = *new std::mutex;
    static auto& tables = *new std::map<std::string, std::vector<symbol>>;

    loaded_file file;
    file.address = reinterpret_cast<std::uintptr_t>(address);
    ::dl_iterate_phdr(&loaded_file::visit, &file);
    const std::lock_guard guard(lock);
    auto table = tables.find(file.path);
    if (table == tables.end()) table = tables.emplace(file.path, read_symbols(file.path.c_str())).first;
    const std::uintptr_t offset = file.address - file.base;
    auto next = std::upper_bound(table->second.begin(), table->second.end(), offset,
        [](std::uintptr_t value, const symbol& each) { return value < each.begin; });
    if (next != table->second.begin()) {
        const symbol& found = *--next;
        if (offset - found.begin < std::max<std::uintptr_t>(found.size, 1)) return readable(found.name);
    }
    char text[24];
    const auto end = std::to_chars(text, text + sizeof text, offset, 16).ptr;
    return "0x" + std::string(text, end) + " in '" + file.path + "'";
}

}  // namespace weft::inline WEFT_ABI::detail
