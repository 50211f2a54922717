// SPDX-License-Identifier: GPL-2.0
/* The programs, loaded and with something to judge by: rig.h. */
#include "rig.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/bpf.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "back.skel.h"
#include "base/addr.h"
#include "base/clock.h"
#include "lookup.skel.h"
#include "postern/hash.h"
#include "screen.skel.h"
#include "steer.skel.h"

#define LINES_MOST	1024	/* the real map's buckets alone are 64 MiB */

static const char *const map_names[MAPS] = {
	"pools", "lines", "listeners", "heartbeats", "budgets", "destinations", "flows",
	"dead", "counters", "events", "settings", "classes",
};

static struct rig the_rig;
static struct bpf_object *objects[4];

static struct bpf_object *load(const void *octets, size_t size)
{
	struct bpf_object *o = bpf_object__open_mem(octets, size, NULL), *first = objects[0];
	struct bpf_map *map, *made;

	cr_assert(o);
	bpf_object__for_each_map(map, o) {
		made = first ? bpf_object__find_map_by_name(first, bpf_map__name(map)) : NULL;
		if (made)
			cr_assert_eq(bpf_map__reuse_fd(map, bpf_map__fd(made)), 0);
		else if (!strcmp(bpf_map__name(map), "lines"))
			bpf_map__set_max_entries(map, LINES_MOST);
	}
	cr_assert_eq(bpf_object__load(o), 0, "a program was refused (root?)");
	return o;
}

static int program_fd(const char *name)
{
	struct bpf_program *prog;
	size_t i;

	for (i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		prog = bpf_object__find_program_by_name(objects[i], name);
		if (prog)
			return bpf_program__fd(prog);
	}
	cr_assert_fail("no program %s", name);
	return -1;
}

static void load_all(struct rig *r)
{
	static const char *const names[PROGRAMS] = {
		"postern_screen", "postern_steer", "postern_steer_l3", "postern_steer_screen",
		"postern_back", "postern_back_l3",
	};
	const void *(*octets[])(size_t *) = {
		screen_bpf__elf_bytes, steer_bpf__elf_bytes, back_bpf__elf_bytes,
		lookup_bpf__elf_bytes,
	};
	size_t i, size;

	for (i = 0; i < sizeof(objects) / sizeof(*objects); i++) {
		const void *elf = octets[i](&size);

		objects[i] = load(elf, size);
	}
	for (i = 0; i < PROGRAMS; i++)
		r->program[i] = program_fd(names[i]);
	r->lookup = program_fd("postern_lookup");
	for (i = 0; i < MAPS; i++)
		r->map[i] = bpf_object__find_map_fd_by_name(objects[0], map_names[i]);
}

static int make_listener(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int on = 1, fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	cr_assert_eq(setsockopt(fd, IPPROTO_IPV6, IPV6_TRANSPARENT, &on, sizeof(on)), 0);
	cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	cr_assert_eq(listen(fd, 64), 0);
	return fd;
}

static int take_event(void *arg, void *data, size_t size)
{
	struct rig *r = arg;

	cr_assert_geq(size, sizeof(r->event));
	memcpy(&r->event, data, sizeof(r->event));
	r->event_count++;
	return 0;
}

void rig_sh(const char *format, ...)
{
	char command[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(command, sizeof(command), format, args);
	va_end(args);
	cr_assert_eq(system(command), 0, "%s", command);
}

struct rig *rig_make(void)
{
	struct rig *r = &the_rig;
	int i;

	cr_assert_eq(unshare(CLONE_NEWNET), 0, "a network namespace needs root");
	rig_sh("ip link set lo up");
	load_all(r);
	for (i = 0; i < RIG_WORKERS; i++)
		r->listener[i] = make_listener();
	r->events = ring_buffer__new(r->map[EVENTS], take_event, r, NULL);
	cr_assert(r->events);
	rig_reset(r);
	return r;
}

void rig_free(struct rig *r)
{
	size_t i;

	ring_buffer__free(r->events);
	for (i = 0; i < RIG_WORKERS; i++)
		close(r->listener[i]);
	for (i = 0; i < sizeof(objects) / sizeof(*objects); i++)
		bpf_object__close(objects[i]);
}

static void update(struct rig *r, enum map map, const void *key, const void *value)
{
	cr_assert_eq(bpf_map_update_elem(r->map[map], key, value, BPF_ANY), 0, "%s: %s",
		     map_names[map], strerror(errno));
}

static void empty(struct rig *r, enum map map)
{
	uint8_t key[64];

	while (!bpf_map_get_next_key(r->map[map], NULL, key))
		cr_assert_eq(bpf_map_delete_elem(r->map[map], key), 0);
}

static void reset_counters(struct rig *r)
{
	uint64_t zero[256] = { 0 };
	uint32_t i;

	cr_assert_leq(libbpf_num_possible_cpus(), 256);
	for (i = 0; i < POSTERN_REASONS_MAX; i++)
		update(r, COUNTERS, &i, zero);
}

static void reset_classes(struct rig *r)
{
	static const struct postern_class rows[] = {
		[CLASS_PLAIN] = { .name = "plain" },
		[CLASS_SHADOW] = { .name = "shadow", .mode = POSTERN_SHADOW },
		[CLASS_RESET] = { .name = "reset", .fail = POSTERN_FAIL_RESET },
		[CLASS_BUDGET] = { .name = "budget", .syn_interval = NS_PER_SEC,
				   .syn_tolerance = 3 * NS_PER_SEC },
		[CLASS_RESET_SHADOW] = { .name = "both", .fail = POSTERN_FAIL_RESET,
					 .mode = POSTERN_SHADOW },
		[CLASS_GREET] = { .name = "greet", .refused = POSTERN_REFUSED_GREET },
		[CLASS_GREET_SHADOW] = { .name = "quiet", .refused = POSTERN_REFUSED_GREET,
					 .mode = POSTERN_SHADOW },
	};
	uint32_t i;

	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++)
		update(r, CLASSES, &i, &rows[i]);
}

/*
 * 10.64 is steered, 10.65 exempt, 10.66 refused, 10.67 refuses calls from
 * outside, 10.68 is in nobody's rollout share, 10.69 has a budget, 10.70 fails
 * closed; 8.0 and the last of IPv6 have addresses whose octets 12 and 13, where
 * BPF_PROG_TEST_RUN looks for an EtherType, name their own family.
 */
static void reset_pools(struct rig *r)
{
	struct postern_pool pool = { .treatment = POSTERN_STEER, .line_len = 128, .rollout = 100 };

	rig_pool(r, "10.64.0.0/16", pool);
	rig_pool(r, "8.0.0.0/16", pool);
	pool.treatment = POSTERN_EXEMPT;
	rig_pool(r, "10.65.0.0/16", pool);
	pool.treatment = POSTERN_REFUSE;
	rig_pool(r, "10.66.0.0/16", pool);
	pool.treatment = POSTERN_STEER;
	pool.flags = POSTERN_POOL_BLOCK_INBOUND;
	rig_pool(r, "10.67.0.0/16", pool);
	pool.flags = 0;
	pool.rollout = 0;
	rig_pool(r, "10.68.0.0/16", pool);
	pool.rollout = 100;
	pool.class = CLASS_BUDGET;
	rig_pool(r, "10.69.0.0/16", pool);
	pool.class = CLASS_RESET;
	rig_pool(r, "10.70.0.0/16", pool);
	pool.class = CLASS_PLAIN;
	pool.line_len = 64;
	rig_pool(r, "2001:db8:64::/48", pool);
	rig_pool(r, "2001:db8:86dd::/48", pool);
	pool.treatment = POSTERN_REFUSE;
	rig_pool(r, "2001:db8:66::/48", pool);
}

static void reset_settings(struct rig *r)
{
	struct postern_settings set = {
		.abi = POSTERN_ABI,
		.stale_ns = 600 * NS_PER_SEC,
		.mark = RIG_MARK,
		.mark_mask = RIG_MARK_MASK,
		.workers = RIG_WORKERS,
		.sample = 1,
	};

	rig_settings_set(r, set);
}

void rig_reset(struct rig *r)
{
	static const struct postern_dead none;
	static const enum map cleared[] = { POOLS, LINES, DESTINATIONS, FLOWS, BUDGETS };
	uint32_t i;

	for (i = 0; i < sizeof(cleared) / sizeof(*cleared); i++)
		empty(r, cleared[i]);
	reset_pools(r);
	reset_classes(r);
	reset_settings(r);
	reset_counters(r);
	for (i = 0; i < POSTERN_MAX_DEAD; i++)
		update(r, DEAD, &i, &none);
	for (i = 0; i < RIG_WORKERS; i++) {
		rig_beat(r, i, clock_boot());
		rig_listener(r, i, true);
	}
	rig_events(r);
}

int rig_try(struct rig *r, enum program program, const struct frame *f, struct outcome *o)
{
	struct __sk_buff in = { 0 }, out = { 0 };
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = f->octet, .data_size_in = f->len,
		    .data_out = o->frame.octet, .data_size_out = sizeof(o->frame.octet),
		    .repeat = 1);
	int err;

	if (program != SCREEN) {
		opts.ctx_in = &in;
		opts.ctx_size_in = sizeof(in);
		opts.ctx_out = &out;
		opts.ctx_size_out = sizeof(out);
	}
	err = bpf_prog_test_run_opts(r->program[program], &opts);
	o->verdict = (int)opts.retval;
	o->mark = out.mark;
	o->frame.len = opts.data_size_out;
	o->frame.l3 = f->l3;
	o->frame.l4 = f->l4;
	return err;
}

struct outcome rig_run(struct rig *r, enum program program, const struct frame *f)
{
	struct outcome o;
	int err = rig_try(r, program, f, &o);

	cr_assert_eq(err, 0, "BPF_PROG_TEST_RUN: %s", strerror(-err));
	return o;
}

uint64_t rig_count(struct rig *r, enum postern_reason reason)
{
	uint64_t value[256], sum = 0;
	uint32_t key = reason;
	int i;

	cr_assert_eq(bpf_map_lookup_elem(r->map[COUNTERS], &key, value), 0);
	for (i = 0; i < libbpf_num_possible_cpus(); i++)
		sum += value[i];
	return sum;
}

uint64_t rig_count_all(struct rig *r)
{
	uint64_t sum = 0;
	uint32_t i;

	for (i = 0; i < POSTERN_R_COUNT; i++)
		sum += rig_count(r, i);
	return sum;
}

void rig_events(struct rig *r)
{
	r->event_count = 0;
	memset(&r->event, 0, sizeof(r->event));
	cr_assert_geq(ring_buffer__consume(r->events), 0);
}

struct postern_addr rig_addr(const char *text)
{
	struct postern_addr a;

	cr_assert_eq(addr_parse(text, &a), 0, "%s", text);
	return a;
}

static struct postern_prefix prefix(const char *text)
{
	struct postern_prefix p;

	cr_assert_eq(prefix_parse(text, &p), 0, "%s", text);
	return p;
}

void rig_pool(struct rig *r, const char *text, struct postern_pool pool)
{
	struct postern_prefix key = prefix(text);

	pool.prefix_len = key.prefix_len;
	update(r, POOLS, &key, &pool);
}

void rig_line(struct rig *r, const char *line, struct postern_line value)
{
	struct postern_addr key = rig_addr(line);

	update(r, LINES, &key, &value);
}

void rig_destination(struct rig *r, const char *text, enum postern_destination_rule rule,
		     unsigned int class)
{
	struct postern_destination value = { .rule = rule, .class = class };
	struct postern_prefix key = prefix(text);

	update(r, DESTINATIONS, &key, &value);
}

static struct postern_flow_key flow_key(const char *line, unsigned int port, const char *peer)
{
	struct postern_flow_key key = { .port = htons(port) };

	key.line = rig_addr(line);
	key.peer = rig_addr(peer);
	return key;
}

void rig_flow(struct rig *r, const char *line, unsigned int port, const char *peer,
	      uint32_t flags)
{
	struct postern_flow_key key = flow_key(line, port, peer);
	struct postern_flow value = { .flags = flags };

	update(r, FLOWS, &key, &value);
}

int rig_flow_flags(struct rig *r, const char *line, unsigned int port, const char *peer)
{
	struct postern_flow_key key = flow_key(line, port, peer);
	struct postern_flow value;

	return bpf_map_lookup_elem(r->map[FLOWS], &key, &value) ? -1 : (int)value.flags;
}

void rig_dead(struct rig *r, const char *line, const char *exchanger, uint64_t until)
{
	struct postern_dead value = {
		.line = rig_addr(line), .exchanger = rig_addr(exchanger), .until = until
	};
	uint32_t slot = postern_dead_slot(&value.line, &value.exchanger);

	update(r, DEAD, &slot, &value);
}

struct postern_settings rig_settings(struct rig *r)
{
	struct postern_settings set;
	uint32_t zero = 0;

	cr_assert_eq(bpf_map_lookup_elem(r->map[SETTINGS], &zero, &set), 0);
	return set;
}

void rig_settings_set(struct rig *r, struct postern_settings set)
{
	uint32_t zero = 0;

	update(r, SETTINGS, &zero, &set);
}

void rig_beat(struct rig *r, unsigned int worker, uint64_t when)
{
	uint32_t key = worker;

	update(r, HEARTBEATS, &key, &when);
}

void rig_listener(struct rig *r, unsigned int worker, bool there)
{
	uint64_t value = r->listener[worker];
	uint32_t key = worker;

	if (there)
		update(r, LISTENERS, &key, &value);
	else
		bpf_map_delete_elem(r->map[LISTENERS], &key);
}

unsigned int rig_worker(const char *line)
{
	struct postern_addr a = rig_addr(line);

	return postern_line_worker(&a, RIG_WORKERS);
}
