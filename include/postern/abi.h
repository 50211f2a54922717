/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The one header that crosses the kernel line: what the BPF programs, the
 * kernel module and user space agree upon. Fixed-width types, no logic.
 *
 * A change of any layout here, of a map's type or of its size raises
 * POSTERN_ABI, which is part of the pin path, so that two releases never
 * read each other's maps. New rows in tbl/reasons.h do not change a layout:
 * the counter maps are POSTERN_REASONS_MAX wide from the start.
 */
#ifndef POSTERN_ABI_H
#define POSTERN_ABI_H

#include <linux/types.h>

#define POSTERN_ABI		1

#define POSTERN_SMTP_PORT	25
#define POSTERN_LEG_TTL		255	/* of our upstream legs; hosts start with 128 at most, */
#define POSTERN_HOST_TTL_MOST	128	/* so a SYN above it may be one that came back to us */
#define POSTERN_MAX_WORKERS	32
#define POSTERN_KEEPER_ROW	31	/* of the tallies, not a worker's: keeper and clerk */
#define POSTERN_MAX_CLASSES	64
#define POSTERN_REASONS_MAX	256
#define POSTERN_MAX_POOLS	65536
#define POSTERN_MAX_LINES	4194304		/* buckets alone: 64 MiB */
#define POSTERN_MAX_DESTINATIONS 65536
#define POSTERN_MAX_FLOWS	262144
#define POSTERN_MAX_BUDGETS	262144
#define POSTERN_MAX_DEAD	16384		/* slots */
#define POSTERN_EVENTS_BYTES	(256 * 1024)
#define POSTERN_CLASS_NAME	32		/* octets, with the final NUL */

/* A line or pool that inherits the class of what lies around it. */
#define POSTERN_CLASS_INHERIT	0xff

/* An `until` or `bypass_until` without an end. */
#define POSTERN_FOREVER		(~0ULL)

/* IPv4 stands as v4-mapped IPv6 (::ffff:a.b.c.d); network octet order. */
struct postern_addr {
	union {
		__u8	octet[16];
		__u32	word[4];
	};
};

enum postern_mode {
	POSTERN_ENFORCE,
	POSTERN_SHADOW,		/* steered and judged, nothing enforced */
};

/* What happens to a line's connections to port 25. */
enum postern_treatment {
	POSTERN_INHERIT,	/* of a line: as its pool says */
	POSTERN_STEER,
	POSTERN_EXEMPT,
	POSTERN_REFUSE,		/* quarantined: connections are reset, or told why */
};

/* What happens to new connections while no worker answers. */
enum postern_fail {
	POSTERN_FAIL_OPEN,	/* let through unfiltered */
	POSTERN_FAIL_RESET,
};

/* What a refused line's new connections get. */
enum postern_refused {
	POSTERN_REFUSED_RESET,
	POSTERN_REFUSED_GREET,	/* a worker says why; a reset while none answers */
};

/* What a row of `destinations` asks for. */
enum postern_destination_rule {
	POSTERN_DEST_OWN,	/* an address of this router: never steered */
	POSTERN_DEST_PASS,	/* e.g. the provider's smarthost: untouched */
	POSTERN_DEST_CLASS,	/* steered, under the class named here */
};

/* Flags of a pool. */
#define POSTERN_POOL_BLOCK_INBOUND	0x01	/* drop SYNs from outside to port 25 */
#define POSTERN_POOL_OVERRIDE		0x02	/* a prefix exempted or refused by hand,
						 * not a pool of its own */
#define POSTERN_POOL_CONF		0x04	/* comes from postern.conf */

/* Flags of a destination. */
#define POSTERN_DEST_CONF	0x01	/* comes from postern.conf */

/* Flags of a flow: what the inside has sent on it. */
#define POSTERN_FLOW_SYN	0x01
#define POSTERN_FLOW_DATA	0x02	/* anything but a SYN */

/* Key of the LPM tries `pools` and `destinations`; prefix_len in mapped bits. */
struct postern_prefix {
	__u32			prefix_len;	/* 0..128; IPv4 /16 is 112 */
	struct postern_addr	addr;
};

struct postern_pool {
	__u8	treatment;	/* enum postern_treatment, never INHERIT */
	__u8	class;
	__u8	line_len;	/* mapped bits of one line: 128 for IPv4 */
	__u8	prefix_len;	/* own prefix, mapped bits: an entry past its
				 * `until` is looked through with this less 1 */
	__u8	rollout;	/* 0..100 per cent enforced, rest in shadow */
	__u8	flags;
	__u8	pad[2];
	__u64	until;		/* boot-time ns, 0 = no end */
};

struct postern_line {
	__u64	subscriber;	/* id in the state store, 0 = not known */
	__u64	until;		/* of the treatment; boot-time ns, 0 = no end */
	__u8	treatment;
	__u8	class;		/* or POSTERN_CLASS_INHERIT */
	__u8	pad[6];
};

struct postern_class {
	char	name[POSTERN_CLASS_NAME];	/* "" = row not in use */
	__u64	syn_interval;	/* ns between SYNs of one line, 0 = no limit */
	__u64	syn_tolerance;	/* ns of burst: burst * syn_interval */
	__u8	fail;		/* enum postern_fail */
	__u8	mode;		/* enum postern_mode: a class can be in shadow */
	__u8	refused;	/* enum postern_refused */
	__u8	pad[5];
};

struct postern_destination {
	__u8	rule;		/* enum postern_destination_rule */
	__u8	class;
	__u8	flags;
	__u8	prefix_len;	/* own prefix, mapped bits; user space tells by it
				 * an exact row from one that merely holds it */
	__u8	pad[4];
};

/* A direct flow to port 25, seen from the inside. */
struct postern_flow_key {
	struct postern_addr	line;	/* full address, not masked */
	struct postern_addr	peer;
	__be16			port;	/* the line's */
	__u16			pad;
};

struct postern_flow {
	__u32	flags;
	__u32	pad;
};

/*
 * A slot of `dead`, an array read at postern_dead_slot() of both addresses: a
 * look-up without a call, for every SYN. Two pairs in one slot put each other
 * out, which costs a false accept. By line, because an exchanger that blocks
 * one would else be shut to all.
 */
struct postern_dead {
	struct postern_addr	line;
	struct postern_addr	exchanger;
	__u64			until;	/* boot-time ns, 0 = empty */
};

/* The one row of `settings`. */
struct postern_settings {
	__u32	abi;
	__u32	mode;		/* enum postern_mode */
	__u64	bypass_until;	/* boot-time ns; 0 = off; POSTERN_FOREVER */
	__u64	stale_ns;	/* a heartbeat older than this is a hang */
	__u64	grace_until;	/* boot-time ns: until then flows that ran
				 * before start-up are learnt from outside */
	__u32	mark;		/* for packets to be delivered here */
	__u32	mark_mask;
	__u32	workers;	/* 1..POSTERN_MAX_WORKERS */
	__u32	sample;		/* every n-th decision becomes an event, 0 = none */
};

/* Side of an interface; also the origin of an event. */
enum postern_hook {
	POSTERN_HOOK_SCREEN,
	POSTERN_HOOK_STEER,
	POSTERN_HOOK_BACK,
};

/* One sampled decision in the ring `events`. */
struct postern_event {
	__u64			when;	/* boot-time ns */
	struct postern_addr	src;
	struct postern_addr	dst;
	__be16			sport;
	__be16			dport;
	__u32			ifindex;
	__u16			reason;	/* enum postern_reason */
	__u8			hook;
	__u8			tcp_flags;
	__u32			would;	/* in shadow: the reason it would have had */
};

#endif
