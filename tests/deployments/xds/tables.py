"""Tables that are checked twice: in Python, and by a real Envoy."""

from __future__ import annotations

REPLACED_PREFIXES = [
    # request path, prefix match, replacement, path that it becomes (HTTPPathModifier.replacePrefixMatch)
    ("/foo/bar", "/foo", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo", "/xyz/", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz", "/xyz/bar"),
    ("/foo/bar", "/foo/", "/xyz/", "/xyz/bar"),
    ("/foo", "/foo", "/xyz", "/xyz"),
    ("/foo/", "/foo", "/xyz", "/xyz/"),
    ("/foo/bar", "/foo", "", "/bar"),
    ("/foo/", "/foo", "", "/"),
    ("/foo", "/foo", "", "/"),
    ("/foo/", "/foo", "/", "/"),
    ("/foo", "/foo", "/", "/"),
    # and what the API's table leaves to its words
    ("/foo/bar", "/foo", "/", "/bar"),
    ("/foo", "/foo/", "/xyz", "/xyz"),
    ("/foo/bar", "/", "/xyz", "/xyz/foo/bar"),
    ("/", "/", "/xyz", "/xyz/"),
    ("/foo", "/", "/", "/foo"),
    ("/foo", "/", "", "/foo"),
    ("/foo/bar", "/foo", "xyz", "/xyz/bar"),
    ("/foo/bar", "/foo", "/a/b", "/a/b/bar"),
    ("/f.o(o)/bar", "/f.o(o)", "/", "/bar"),
    ("/foo/bar/foo", "/foo", "/", "/bar/foo"),
    ("/foo/bar?q=/foo", "/foo", "/xyz", "/xyz/bar?q=/foo"),
    ("/foo?q=1", "/foo", "/", "/?q=1"),
]

REPLACED_PATHS = [
    # request path, replacement, path that it becomes (HTTPPathModifier.replaceFullPath)
    ("/foo/bar", "/one", "/one"),
    ("/", "/one/two/", "/one/two/"),
    ("/foo?q=1", "/one", "/one?q=1"),
    ("/foo", "", "/"),
    ("/foo", "one", "/one"),
]
