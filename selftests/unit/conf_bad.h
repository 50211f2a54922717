/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bad files and every word of the answer: BAD(text of the file, faults), the
 * faults in the order of their lines. "F" stands for the file's name.
 */

/* names */
BAD("bogus = 1\n",
    "F:1: unknown parameter or section \"bogus\", expected one of postern.conf(5)")
BAD("\n\n# x\nWorkers = 1\n",
    "F:4: unknown parameter or section \"Workers\", expected one of postern.conf(5)")
BAD("pool \"10.0.0.0/8\" {\n\tlyne = 32\n}\n",
    "F:2: unknown parameter \"lyne\" in pool, expected class, treatment, line, rollout or "
    "block_inbound")
BAD("interface \"eth0\" { mode = shadow }\n",
    "F:1: unknown parameter \"mode\" in interface, expected side")
BAD("section \"x\" { a = b }\n",
    "F:1: unknown section \"section\", expected interface, class, pool, destination or rule")
BAD("limits { a = b }\n",
    "F:1: unknown section \"limits\", expected interface, class, pool, destination or rule")
BAD("a = 1\nb = 2\n",
    "F:1: unknown parameter or section \"a\", expected one of postern.conf(5)\n"
    "F:2: unknown parameter or section \"b\", expected one of postern.conf(5)")

/* numbers */
BAD("workers = 32\n",
    "F:1: workers = 32 is out of range, expected 0 to 31 threads")
BAD("workers = -1\n",
    "F:1: workers = -1 is out of range, expected 0 to 31 threads")
BAD("workers = 99999999999999999999\n",
    "F:1: workers = 99999999999999999999 is out of range, expected 0 to 31 threads")
BAD("workers = two\n",
    "F:1: workers = \"two\" is not a number, expected 0 to 31 threads")
BAD("workers = \"\"\n",
    "F:1: workers = \"\" is not a number, expected 0 to 31 threads")
BAD("workers = 2x\n",
    "F:1: workers = \"2x\" is not a number, expected 0 to 31 threads")
BAD("workers = 0x\n",
    "F:1: workers = \"0x\" is not a number, expected 0 to 31 threads")
BAD("workers = \" 2\"\n",
    "F:1: workers = \" 2\" is not a number, expected 0 to 31 threads")
BAD("workers = \"+2\"\n",
    "F:1: workers = \"+2\" is not a number, expected 0 to 31 threads")
BAD("workers = --2\n",
    "F:1: workers = \"--2\" is not a number, expected 0 to 31 threads")
BAD("listen_port = 1023\n",
    "F:1: listen_port = 1023 is out of range, expected 1024 to 65000")
BAD("class \"a\" { auth_code = 250 }\n",
    "F:1: auth_code = 250 is out of range, expected 500 to 599")
BAD("rule \"a\" { pattern = x score = 100001 }\n",
    "F:1: score = 100001 is out of range, expected -100000 to 100000 points")

/* lengths of time */
BAD("idle_timeout = 2\n\nidle_timeout = 5\n",
    "F:3: idle_timeout is given a second time")
BAD("idle_timeout = 2h\n",
    "F:1: idle_timeout = 2h is out of range, expected 1s to 3600s")
BAD("idle_timeout = 0\n",
    "F:1: idle_timeout = 0 is out of range, expected 1s to 3600s")
BAD("idle_timeout = 9999999999999h\n",
    "F:1: idle_timeout = 9999999999999h is out of range, expected 1s to 3600s")
BAD("idle_timeout = 5x\n",
    "F:1: idle_timeout = \"5x\" is not a length of time, expected such as 30s, 5m, 2h or 1d")
BAD("idle_timeout = 5ms\n",
    "F:1: idle_timeout = \"5ms\" is not a length of time, expected such as 30s, 5m, 2h or 1d")
BAD("idle_timeout = s\n",
    "F:1: idle_timeout = \"s\" is not a length of time, expected such as 30s, 5m, 2h or 1d")
BAD("idle_timeout = -5s\n",
    "F:1: idle_timeout = \"-5s\" is not a length of time, expected such as 30s, 5m, 2h or 1d")
BAD("dot_timeout = 59s\nverdict_timeout = 1m\n",
    "F:1: dot_timeout is shorter than verdict_timeout, expected at least as long")

/* words and flags */
BAD("mode = bypass\n",
    "F:1: mode = \"bypass\" is not known, expected enforce or shadow")
BAD("mode = Shadow\n",
    "F:1: mode = \"Shadow\" is not known, expected enforce or shadow")
BAD("mode = enforc\n",
    "F:1: mode = \"enforc\" is not known, expected enforce or shadow")
BAD("mode = \"\"\n",
    "F:1: mode = \"\" is not known, expected enforce or shadow")
BAD("xdp = hardware\n",
    "F:1: xdp = \"hardware\" is not known, expected auto, native, generic or off")
BAD("backend = nfqueue\n",
    "F:1: backend = \"nfqueue\" is not known, expected ebpf")
BAD("class \"a\" { received = yes }\n",
    "F:1: received = \"yes\" is not known, expected true or false")
BAD("class \"a\" {\n fail = closed\n}\n",
    "F:2: fail = \"closed\" is not known, expected open or reset")
BAD("interface \"eth0\" { side = inside }\n",
    "F:1: side = \"inside\" is not known, expected subscriber or upstream")

/* texts */
BAD("run_dir = run\n",
    "F:1: run_dir = \"run\", expected an absolute path")
BAD("run_dir = \"/\"\n",
    "F:1: run_dir has 1 octets, expected 2 to 80")
BAD("event_log = events.json\n",
    "F:1: event_log = \"events.json\", expected an absolute path or nothing")
BAD("hostname = \"a b\"\n",
    "F:1: hostname = \"a b\", expected a name such as filter.example.net")
BAD("hostname = \"a..b\"\n",
    "F:1: hostname = \"a..b\", expected a name such as filter.example.net")
BAD("clerk_user = \"a:b\"\n",
    "F:1: clerk_user = \"a:b\", expected the name of a user")
BAD("keeper_user = \"\"\n",
    "F:1: keeper_user has 0 octets, expected 1 to 31")
BAD("class \"a\" { auth_text = \"\xc3\xa9\" }\n",
    "F:1: auth_text, expected printable ASCII")
BAD("class \"a\" { help_url = 'a\tb' }\n",
    "F:1: help_url, expected printable ASCII")

/* marks */
BAD("mark = 0x504f0001\n",
    "F:1: mark = 0x504f0001 has bits outside of mark_mask, expected bits of 0xffff0000 alone")
BAD("mark = 0\n",
    "F:1: mark = 0 is out of range, expected 1 to 4294967295")

/* titles */
BAD("interface \"a-very-long-name\" {}\n",
    "F:1: interface \"a-very-long-name\", expected a name of 1 to 15 octets without /, : and "
    "blanks")
BAD("interface \"\" {}\n",
    "F:1: interface \"\", expected a name of 1 to 15 octets without /, : and blanks")
BAD("interface \"eth0\" {}\ninterface \"eth0\" {}\n",
    "F:2: second section \"eth0\" of its kind, expected one")
BAD("class \"a\" {}\n\nclass \"a\" {}\n",
    "F:3: second section \"a\" of its kind, expected one")
BAD("class \"abcdefghijklmnopqrstuvwxyz123456\" {}\n",
    "F:1: class \"abcdefghijklmnopqrstuvwxyz123456\", expected 1 to 31 letters, digits, "
    "dots, hyphens and underscores")
BAD("class \"a b\" {}\n",
    "F:1: class \"a b\", expected 1 to 31 letters, digits, dots, hyphens and underscores")
BAD("rule \"\" { pattern = a }\n",
    "F:1: rule \"\", expected 1 to 40 letters, digits, dots, hyphens and underscores")
BAD("rule \"x\" {\n}\n",
    "F:1: rule \"x\" has no pattern, expected pattern = 'REGULAR EXPRESSION'")
BAD("rule \"x\" {\n pattern = \"\"\n}\n",
    "F:2: pattern has 0 octets, expected 1 to 4096\n"
    "F:2: rule \"x\" has no pattern, expected pattern = 'REGULAR EXPRESSION'")

/* prefixes */
BAD("pool \"10.64.0.0/15\" {}\n\npool \"10.64.0.1/16\" {}\n",
    "F:3: pool \"10.64.0.1/16\": bits are set behind the prefix length")
BAD("pool \"10.64.0.0/33\" {}\n",
    "F:1: pool \"10.64.0.0/33\": prefix length out of range (IPv4 0 to 32, IPv6 0 to 128)")
BAD("pool \"10.64\" {}\n",
    "F:1: pool \"10.64\": expected an address or a prefix such as 10.64.0.0/16 or "
    "2001:db8:64::/48")
BAD("pool \"10.64.0.0/16\" {}\npool \"10.64.0.0/16\" {}\n",
    "F:2: second section \"10.64.0.0/16\" of its kind, expected one")
BAD("pool \"2001:db8::/32\" {}\npool \"2001:0db8::/32\" {}\n",
    "F:2: pool \"2001:0db8::/32\" is the same prefix as \"2001:db8::/32\" on line 1, "
    "expected one of them")
BAD("pool \"10.64.0.0/16\" {\n line = 24\n}\n",
    "F:2: line = 24 in IPv4 pool \"10.64.0.0/16\", expected 32")
BAD("pool \"2001:db8:64::/48\" {\n line = 47\n}\n",
    "F:2: line = 47 is shorter than pool \"2001:db8:64::/48\", expected 48 to 128")
BAD("pool \"2001:db8:64::/72\" {}\n",
    "F:1: line = 64 is shorter than pool \"2001:db8:64::/72\", expected 72 to 128")
BAD("pool \"10.64.0.0/16\" {\n class = gold\n}\n",
    "F:2: class \"gold\" of pool \"10.64.0.0/16\" is not defined, expected default or a "
    "section class \"gold\" { ... }")
BAD("pool \"10.64.0.0/16\" { rollout = 101 }\n",
    "F:1: rollout = 101 is out of range, expected 0 to 100 per cent")
BAD("destination \"192.0.2.1\" {\n rule = class\n}\n",
    "F:2: destination \"192.0.2.1\" has rule = class, expected class = NAME too")
BAD("destination \"192.0.2.1\" {\n class = default\n}\n",
    "F:2: destination \"192.0.2.1\" has a class, expected rule = class with it")
BAD("destination \"192.0.2.1\" {\n rule = class\n class = gold\n}\n",
    "F:3: class \"gold\" of destination \"192.0.2.1\" is not defined, expected default or a "
    "section class \"gold\" { ... }")
BAD("destination \"192.0.2.1/32\" {}\ndestination \"192.0.2.1\" {}\n",
    "F:2: destination \"192.0.2.1\" is the same prefix as \"192.0.2.1/32\" on line 1, "
    "expected one of them")

/* grammar */
BAD("workers 2\n",
    "F:1: \"workers\" stands without =, expected NAME = VALUE")
BAD("workers =\n",
    "F:2: file ends before a value")
BAD("workers = 2 3 = 4\n",
    "F:1: unknown parameter or section \"3\", expected one of postern.conf(5)")
BAD("= 2\n",
    "F:1: unexpected \"=\", expected NAME = VALUE or a section")
BAD("class { }\n",
    "F:1: class stands without a title, expected class \"TITLE\" { ... }")
BAD("class \"a\" = 3\n",
    "F:1: class stands without {, expected class \"TITLE\" { ... }")
BAD("class \"a\" {\nworkers = 1\n",
    "F:1: section is not closed, expected }")
BAD("class \"a\" {\n class \"b\" { } }\n",
    "F:2: section inside the one begun on line 1, expected } first\n"
    "F:2: } without {")
BAD("}\n",
    "F:1: } without {")
BAD("workers += 2\n",
    "F:1: unexpected +, expected text in quotes")
BAD("workers = 2;\n",
    "F:1: unexpected ;, expected text in quotes")
BAD("workers = 4*\n",
    "F:1: unexpected *, expected text in quotes")
BAD("hostname = caf\xc3\xa9\n",
    "F:1: unexpected character outside of ASCII, expected text in quotes")
BAD("state_dir = /var/lib/\n",
    "F:1: word ends in /, expected it in quotes")
BAD("\"workers\" = 2\n",
    "F:1: string where a name was expected")
BAD("\"\" = 2\n",
    "F:1: string where a name was expected")
BAD("hostname = \"a\nmode = shadow\n",
    "F:1: string is not closed on its line, expected \"")
BAD("hostname = 'a\n",
    "F:1: string is not closed on its line, expected '")
BAD("\n/* a\n\nb\n",
    "F:2: comment is not closed, expected */")
BAD("rule \"a\" { pattern = \"\\d+\" }\n",
    "F:1: backslash in \"...\", expected \\\\, \\\" or \\$ (in '...' a backslash stands for "
    "itself)")
BAD("rule \"a\" { pattern = \"${HOME}\" }\n",
    "F:1: ${ in \"...\", expected \\${ or '...'")
BAD("hostname = ${HOSTNAME}\n",
    "F:1: unexpected $, expected text in quotes")
BAD("hostname = \"a\x01\"\n",
    "F:1: control character in a string")
BAD("mode\x0b = shadow\n",
    "F:1: control character")
