"""The online side: whatever runs on a message.

Reading order: `scorer` (the hot loop: start here), `batch` (what goes round in it), `wire` (bytes <-> records), `judge` (messages ->
decisions, alerts), `answer` (a judged batch -> records), `delivery` (transactions), `model` (which one judges), `shadow` (which one
only looks on), `policy`, `privacy`, `settings`, `errors`, `metrics`, `health`, `app` (the Faust application around it all), `broker`
and `demo` (try it out), `cli` (the `scamsieve` command).
"""
