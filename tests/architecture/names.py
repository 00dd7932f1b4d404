"""Lists the public names of the headers, well enough that a change of the interface shows in a diff.

A scanner, not a parser: it follows namespaces, classes and access, skips bodies, and takes the name of each declaration.
SPDX-License-Identifier: MIT
"""
import re

from rules import without_comments

TOKEN = re.compile(r"[A-Za-z_]\w*|::|->\*?|\.\.\.|<=>|<<=?|[<>=!]=|&&|\|\||\+\+|--|[-+*/%&|^]=?|\d[\w.']*|\S")
NOT_A_CALL = {"requires", "noexcept", "decltype", "explicit", "alignas", "sizeof", "if", "while", "throw", "typeid",
              "__attribute__", "static_assert", "return"}
WORD = re.compile(r"[A-Za-z_]\w*$")


def skip_group(tokens, index):
    """The index after the group that opens at `index`."""
    closing, depth = {"(": ")", "{": "}", "[": "]"}, []
    while index < len(tokens):
        token = tokens[index]
        if token in closing:
            depth.append(closing[token])
        elif depth and token == depth[-1]:
            depth.pop()
            if not depth:
                return index + 1
        index += 1
    return index


def skip_angles(tokens, index):
    depth = 0
    while index < len(tokens):
        token = tokens[index]
        if token in ("(", "{", "["):
            index = skip_group(tokens, index)
            continue
        if token == "<":
            depth += 1
        elif token == ">":
            depth -= 1
            if depth == 0:
                return index + 1
        elif token == ";":
            return index
        index += 1
    return index


def plain(head):
    """A declaration without attributes, template parameters and macros of ours."""
    result, index = [], 0
    while index < len(head):
        token = head[index]
        if token == "[" and head[index + 1:index + 2] == ["["]:
            index = skip_group(head, index)
        elif token == "template" and head[index + 1:index + 2] == ["<"]:
            index = skip_angles(head, index + 1)
        elif token.startswith("WEFT_") and token != "WEFT_ABI":
            index += 1
            if head[index:index + 1] == ["("]:
                index = skip_group(head, index)
        else:
            result.append(token)
            index += 1
    return result


def function_name(head):
    """The name before the first parameter list, or None."""
    index = 0
    while index < len(head):
        token = head[index]
        if token == "operator":
            end = index + 1
            if head[end:end + 2] == ["(", ")"]:
                end += 2
            else:
                while end < len(head) and head[end] != "(":
                    end += 1
            joined = " ".join(head[index + 1:end])
            return "operator " + joined if WORD.match(head[index + 1]) else "operator" + joined.replace(" ", "")
        if token == "<" and index and (WORD.match(head[index - 1])):
            index = skip_angles(head, index)
            continue
        if token == "(":
            before = head[index - 1] if index else ""
            if WORD.match(before) and before not in NOT_A_CALL:
                return ("~" if head[index - 2:index - 1] == ["~"] else "") + before
            index = skip_group(head, index)
            continue
        if token == "=":
            return None
        index += 1
    return None


def variable_name(head):
    """The name before '=' or the end, or None."""
    words, index = [], 0
    while index < len(head) and head[index] not in ("=", "{", ":"):
        if head[index] == "<" and index and WORD.match(head[index - 1]):
            index = skip_angles(head, index)
            continue
        if head[index] == "[":
            index = skip_group(head, index)
            continue
        if WORD.match(head[index]):
            words.append(head[index])
        index += 1
    return words[-1] if len(words) > 1 else None


class Scanner:
    def __init__(self, tokens):
        self.tokens, self.names = tokens, set()

    def add(self, scope, name, public):
        # Constructors and assignments come with the class.
        if not name or name.startswith("~") or name.endswith("_") or name == "operator=" or scope[-1:] == [name]:
            return
        if public and "detail" not in scope:
            self.names.add("::".join(scope + [name]))

    def scope(self, index, scope, public, in_class):
        """Reads declarations up to the closing brace; returns the index after it."""
        default = public
        while index < len(self.tokens):
            token = self.tokens[index]
            if token == "}":
                return index + 1
            if in_class and token in ("public", "private", "protected") and self.tokens[index + 1] == ":":
                public, index = default and token == "public", index + 2
                continue
            if token == ";":
                index += 1
                continue
            index = self.declaration(index, scope, public, in_class)
        return index

    def declaration(self, index, scope, public, in_class):
        head = []
        while index < len(self.tokens):
            token = self.tokens[index]
            if token in ("(", "["):
                end = skip_group(self.tokens, index)
                head += self.tokens[index:end]
                index = end
            elif token == ";":
                self.finish(plain(head), scope, public)
                return index + 1
            elif token == "}":
                return index
            elif token == "{":
                done, index = self.brace(head, index, scope, public, in_class)
                if done:
                    return index
                head.append("{}")
            else:
                head.append(token)
                index += 1
        return index

    def brace(self, head, index, scope, public, in_class):
        """A brace inside a declaration: (the declaration is over, next index)."""
        clean = plain(head)
        if clean[:1] == ["namespace"] or clean[:2] == ["inline", "namespace"]:
            names = [word for word in clean if WORD.match(word) and word not in ("namespace", "inline", "WEFT_ABI")]
            inner = scope + (names or ["detail"])
            return True, self.scope(index + 1, inner, True, False)
        if clean[:1] == ["extern"] and len(clean) == 2:
            return True, self.scope(index + 1, scope, public, False)
        head_word = next((word for word in clean if word not in ("inline", "constexpr", "static", "typedef")), "")
        if head_word in ("class", "struct", "union") and "=" not in clean:
            words = clean[clean.index(head_word) + 1:]
            cut = words.index(":") if ":" in words else len(words)
            words = [word for word in words[:cut] if WORD.match(word) and word not in ("final", "alignas", "requires")]
            name = words[0] if words else ""
            if "<" in clean[:clean.index(":")] if ":" in clean else "<" in clean:
                public = False  # a specialization adds no name
            self.add(scope, name, public)
            end = self.scope(index + 1, scope + [name or "detail"], public and head_word != "class", True) \
                if head_word != "class" else self.class_scope(index + 1, scope + [name or "detail"], public)
            return True, end
        if head_word == "enum":
            words = [word for word in clean[:clean.index(":") if ":" in clean else len(clean)] if WORD.match(word)]
            name = words[-1]
            self.add(scope, name, public)
            end = skip_group(self.tokens, index)
            position, fresh = index + 1, True
            while position < end - 1:
                token = self.tokens[position]
                if fresh and WORD.match(token):
                    self.add(scope + [name], token, public)
                    fresh = False
                if token in ("(", "{", "["):
                    position = skip_group(self.tokens, position)
                    continue
                fresh = fresh or token == ","
                position += 1
            return True, end
        end = skip_group(self.tokens, index)
        name = function_name(clean)
        if name is None or "=" in clean and "operator" not in clean and "concept" in clean:
            return False, end
        if name and ":" in clean and clean[-1] not in (")", "{}"):
            return False, end  # a braced member initialiser of a constructor
        self.add(scope, name, public)
        return True, end

    def class_scope(self, index, scope, visible):
        """A class begins private."""
        public = False
        while index < len(self.tokens):
            token = self.tokens[index]
            if token == "}":
                return index + 1
            if token in ("public", "private", "protected") and self.tokens[index + 1] == ":":
                public, index = visible and token == "public", index + 2
            elif token == ";":
                index += 1
            else:
                index = self.declaration(index, scope, public, True)
        return index

    def finish(self, head, scope, public):
        if not head or head[0] in ("friend", "static_assert", "extern") and function_name(head) is None:
            return
        if head[0] == "friend" or head[0] == "static_assert":
            return
        if head[0] == "using":
            if "=" in head:
                self.add(scope, head[1], public)
            elif head[1] != "namespace":
                self.add(scope, head[-1], public)
            return
        if head[0] == "concept":
            self.add(scope, head[1], public)
            return
        if head[0] in ("class", "struct", "enum", "union") and "(" not in head and "=" not in head:
            return  # a forward declaration
        self.add(scope, function_name(head) or variable_name(head), public)


def public_names(root):
    names = set()
    for path in sorted((root / "include").rglob("*.hpp")):
        if "detail" in path.parts:
            continue
        text = path.read_text()
        for match in re.finditer(r"^\s*#\s*define\s+(WEFT_\w+)", text, re.M):
            names.add(match[1])
        code = without_comments(text)
        code = re.sub(r"^\s*#(?:[^\n]*\\\n)*[^\n]*", "", code, flags=re.M)
        scanner = Scanner(TOKEN.findall(code))
        scanner.scope(0, [], True, False)
        names |= {name for name in scanner.names if name.startswith("weft::")}
    return sorted(names)
