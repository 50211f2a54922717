/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Every parameter of postern.conf. A row is the key, the field of its struct
 * in base/conf.h, its check, its default, and its line in the manual.
 *
 * PARAM_x(name, kind, default, low, high, unit, text)
 *   kind NUM   whole number, low..high, in `unit`
 *        SPAN  length of time; in the file "30s", "5m", "2h" or "1d" or plain
 *              seconds; in the struct nanoseconds; low and high in seconds
 *        TEXT  string; low..high octets
 *        FLAG  true or false
 *        WORD  one word of the list in `unit`, kept as its place (0, 1, ...),
 *              which is the value of the enum that the list spells
 *
 * PARAM_GLOBAL stands alone in the file; the others stand in a titled section
 * (interface, class, pool, destination, rule).
 */
#ifndef PARAM_GLOBAL
#define PARAM_GLOBAL(name, kind, def, low, high, unit, text)
#endif
#ifndef PARAM_INTERFACE
#define PARAM_INTERFACE(name, kind, def, low, high, unit, text)
#endif
#ifndef PARAM_CLASS
#define PARAM_CLASS(name, kind, def, low, high, unit, text)
#endif
#ifndef PARAM_POOL
#define PARAM_POOL(name, kind, def, low, high, unit, text)
#endif
#ifndef PARAM_DESTINATION
#define PARAM_DESTINATION(name, kind, def, low, high, unit, text)
#endif
#ifndef PARAM_RULE
#define PARAM_RULE(name, kind, def, low, high, unit, text)
#endif

/* Where things are. */
PARAM_GLOBAL(run_dir,	TEXT, "/run/postern", 2, 80, "",
	"directory of the control socket, the BPF file system and the process id")
PARAM_GLOBAL(state_dir,	TEXT, "/var/lib/postern", 2, 200, "",
	"directory of the state store")
PARAM_GLOBAL(event_log,	TEXT, "/var/log/postern/events.json", 0, 200, "",
	"file that gets one JSON object per event; empty for none")
PARAM_GLOBAL(hostname,	TEXT, "", 0, 255, "",
	"name in our own replies and in Received; empty takes the host's")
PARAM_GLOBAL(keeper_user, TEXT, "postern", 1, 31, "",
	"user that the keeper becomes")
PARAM_GLOBAL(inspector_user, TEXT, "postern-inspector", 1, 31, "",
	"user that the inspector becomes")
PARAM_GLOBAL(clerk_user, TEXT, "postern-clerk", 1, 31, "",
	"user that the clerk becomes")

/* Steering. */
PARAM_GLOBAL(backend,	WORD, "ebpf", 0, 0, "ebpf",
	"what steers packets")
PARAM_GLOBAL(mode,	WORD, "enforce", 0, 0, "enforce|shadow",
	"shadow steers and judges everything and enforces nothing")
PARAM_GLOBAL(xdp,	WORD, "auto", 0, 0, "auto|native|generic|off",
	"how screen is attached; auto tries native, then generic, then leaves its work to steer")
PARAM_GLOBAL(workers,	NUM, "0", 0, 31, "threads",
	"worker threads of the inspector; 0 takes one per processor, at most 31")
PARAM_GLOBAL(mark,	NUM, "1347354624", 1, 4294967295, "",
	"firewall mark of packets delivered to Postern (0x504f0000)")
PARAM_GLOBAL(mark_mask,	NUM, "4294901760", 1, 4294967295, "",
	"bits of the mark that belong to Postern (0xffff0000)")
PARAM_GLOBAL(route_table, NUM, "2525", 1, 4294967295, "",
	"routing table that delivers marked packets here")
PARAM_GLOBAL(rule_priority, NUM, "2525", 1, 32765, "",
	"priority of the routing rule for the mark")
PARAM_GLOBAL(listen_port, NUM, "25025", 1024, 65000, "",
	"port of the first worker's listener; the others follow")
PARAM_GLOBAL(heartbeat,	SPAN, "2s", 1, 60, "",
	"a worker that was silent for so long counts as hung")
PARAM_GLOBAL(grace,	SPAN, "15m", 0, 86400, "",
	"after `postern up` sessions older than the filter are learnt for so long")
PARAM_GLOBAL(sample,	NUM, "1", 0, 1000000, "decisions",
	"every so many kernel decisions one is shown by `postern watch`; 0 for none")

/* Sessions. */
PARAM_GLOBAL(max_sessions, NUM, "20000", 1, 1000000, "sessions",
	"sessions at a time, of all workers together")
PARAM_GLOBAL(memory,	NUM, "256", 8, 1048576, "MiB",
	"memory for the buffers of all sessions together")
PARAM_GLOBAL(dial_timeout, SPAN, "30s", 1, 120, "",
	"an exchanger that does not answer for so long is taken as dead")
PARAM_GLOBAL(dead_memory, SPAN, "20s", 0, 3600, "",
	"the next connections to a dead exchanger are reset for so long")
PARAM_GLOBAL(greeting_timeout, SPAN, "310s", 1, 3600, "",
	"wait for the exchanger's greeting")
PARAM_GLOBAL(reply_timeout, SPAN, "310s", 1, 3600, "",
	"wait for the exchanger's reply to a command")
PARAM_GLOBAL(data_timeout, SPAN, "130s", 1, 3600, "",
	"wait for the exchanger's reply to DATA")
PARAM_GLOBAL(dot_timeout, SPAN, "585s", 1, 3600, "",
	"wait for verdict and exchanger after the end of a message")
PARAM_GLOBAL(verdict_timeout, SPAN, "60s", 1, 585, "",
	"wait for the verdict alone")
PARAM_GLOBAL(idle_timeout, SPAN, "5m", 1, 3600, "",
	"wait for the client's next command")
PARAM_GLOBAL(line_timeout, SPAN, "60s", 1, 3600, "",
	"a command line, once begun, is whole within")
PARAM_GLOBAL(body_timeout, SPAN, "3m", 1, 3600, "",
	"a message makes progress within")
PARAM_GLOBAL(write_timeout, SPAN, "190s", 1, 3600, "",
	"a side reads what we write within")
PARAM_GLOBAL(session_timeout, SPAN, "4h", 1, 86400, "",
	"length of a session, checked between transactions")
PARAM_GLOBAL(drain_timeout, SPAN, "60s", 0, 3600, "",
	"time for running transactions when the inspector is asked to stop")

PARAM_INTERFACE(side,	WORD, "subscriber", 0, 0, "subscriber|upstream",
	"what lies beyond the interface")

PARAM_CLASS(fail,	WORD, "open", 0, 0, "open|reset",
	"new connections while no worker answers")
PARAM_CLASS(mode,	WORD, "enforce", 0, 0, "enforce|shadow",
	"shadow for this class alone")
PARAM_CLASS(syn_rate,	NUM, "20", 0, 1000000, "per second",
	"connections that one line may open; 0 for no limit")
PARAM_CLASS(syn_burst,	NUM, "60", 1, 1000000, "connections",
	"connections that one line may open at once")
PARAM_CLASS(auth,	WORD, "refuse", 0, 0, "refuse|hide|pass",
	"what AUTH on port 25 gets")
PARAM_CLASS(starttls,	WORD, "hide", 0, 0, "hide|refuse|pass",
	"what STARTTLS on port 25 gets; pass lets it through unscanned, within the limits below")
PARAM_CLASS(starttls_offer, FLAG, "false", 0, 0, "",
	"with starttls = refuse: leave the exchanger's offer of STARTTLS visible")
PARAM_CLASS(tls_octets,	NUM, "67108864", 1, 1099511627776, "octets",
	"octets that a client may send in a TLS session that is passed")
PARAM_CLASS(tls_rate,	NUM, "1048576", 1024, 1099511627776, "octets per second",
	"rate at which a client's octets are taken in a TLS session that is passed")
PARAM_CLASS(tls_time,	SPAN, "10m", 1, 86400, "",
	"length of a TLS session that is passed")
PARAM_CLASS(chunking,	WORD, "hide", 0, 0, "hide|pass",
	"what CHUNKING and BDAT get; pass judges chunks as it judges DATA, without Received: in front")
PARAM_CLASS(newlines,	WORD, "refuse", 0, 0, "refuse|normalise",
	"what a bare CR or LF gets; normalise makes CRLF of it, for the exchanger and the verdict")
PARAM_CLASS(auth_code,	NUM, "573", 500, 599, "",
	"code of the reply that refuses AUTH")
PARAM_CLASS(auth_text,	TEXT,
	"authentication on port 25 is not available here, use port 587", 1, 200, "",
	"text of the reply that refuses AUTH")
PARAM_CLASS(help_url,	TEXT, "", 0, 200, "",
	"address of a help page, added to replies that refuse")
PARAM_CLASS(received,	FLAG, "true", 0, 0, "",
	"put a Received: line in front of each message")
PARAM_CLASS(max_recipients, NUM, "1000", 100, 100000, "recipients",
	"accepted recipients of one message")
PARAM_CLASS(max_size,	NUM, "0", 0, 1099511627776, "octets",
	"size of one message as it goes up, Received: included; 0 leaves it to the exchanger")
PARAM_CLASS(max_line,	NUM, "1048576", 1000, 1073741824, "octets",
	"length of one line of a message")
PARAM_CLASS(max_junk,	NUM, "100", 10, 1000000, "commands",
	"commands that bring no mail forward, before the session ends")
PARAM_CLASS(upstream_port, WORD, "new", 0, 0, "new|same",
	"port that the exchanger sees: a new one, or the subscriber's own while it is free")
PARAM_CLASS(refused,	WORD, "reset", 0, 0, "reset|greet",
	"what a refused line's connections get: a reset, or a 554 greeting that says why")
PARAM_CLASS(reject_score, NUM, "100", 1, 100000, "points",
	"a message is refused from this score on")

PARAM_POOL(class,	TEXT, "default", 1, 31, "",
	"class of the pool's lines")
PARAM_POOL(treatment,	WORD, "steer", 0, 0, "steer|exempt|refuse",
	"what happens to the pool's lines")
PARAM_POOL(line,	NUM, "0", 0, 128, "bits",
	"prefix length of one line; 0 takes 32 for IPv4 and 64 for IPv6")
PARAM_POOL(rollout,	NUM, "100", 0, 100, "per cent",
	"share of the lines on which the filter is enforced; the rest is in shadow")
PARAM_POOL(block_inbound, FLAG, "false", 0, 0, "",
	"drop connections from outside to port 25 of the lines")

PARAM_DESTINATION(rule,	WORD, "pass", 0, 0, "pass|class",
	"what happens to connections to this destination")
PARAM_DESTINATION(class, TEXT, "", 0, 31, "",
	"class for rule = class")

PARAM_RULE(where,	WORD, "body", 0, 0, "header|body|url",
	"what the pattern is held against")
PARAM_RULE(pattern,	TEXT, "", 1, 4096, "",
	"regular expression (PCRE syntax as far as vectorscan knows it)")
PARAM_RULE(caseless,	FLAG, "true", 0, 0, "",
	"ignore case")
PARAM_RULE(score,	NUM, "0", -100000, 100000, "points",
	"points that a match gives")
PARAM_RULE(reject,	FLAG, "false", 0, 0, "",
	"a match alone refuses the message")
PARAM_RULE(text,	TEXT, "", 0, 200, "",
	"why, for the event log")

#undef PARAM_GLOBAL
#undef PARAM_INTERFACE
#undef PARAM_CLASS
#undef PARAM_POOL
#undef PARAM_DESTINATION
#undef PARAM_RULE
