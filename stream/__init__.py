"""The online side: whatever runs on a message.

Reading order: `scorer` (the hot loop: start here), `wire` (bytes <-> records), `judge` (messages -> alerts), `policy`,
`privacy`, `settings`, `errors`, `metrics`, `health`, `app` (the Faust application around it all), `broker` and `demo` (try it
out), `cli` (the `scamsieve` command).
"""
