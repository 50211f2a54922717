// SPDX-License-Identifier: GPL-2.0
/* The policy maps as user space reads and edits them, and what it makes of them. */
#include <grp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "postern/hash.h"
#include "steering_view.h"

static struct steering s;

static void setup(void)
{
	view_make(&s);
}

static void teardown(void)
{
	steering_view_release(&s);
}

TestSuite(steering_policy, .init = setup, .fini = teardown);

static void put_pool(const char *key, struct postern_pool pool)
{
	struct postern_prefix p = prefix(key);

	cr_assert_eq(steering_pool_set(&s, &p, &pool), 0);
}

static struct postern_pool steered(__u8 line_len)
{
	return (struct postern_pool) { .treatment = POSTERN_STEER, .line_len = line_len,
				       .rollout = 100 };
}

static void put_line(const char *key, struct postern_line line)
{
	struct postern_addr a = addr(key);

	cr_assert_eq(steering_line_set(&s, &a, &line), 0);
}

static void put_destination(const char *key, __u8 rule, __u8 class)
{
	struct postern_destination row = { .rule = rule, .class = class };
	struct postern_prefix p = prefix(key);

	cr_assert_eq(steering_destination_set(&s, &p, &row), 0);
}

static int resolve(const char *src, const char *dst, struct steering_line *out)
{
	struct postern_addr from = addr(src), to = addr(dst);

	return steering_resolve(&s, &from, &to, out);
}

Test(steering_policy, exact_row_is_told_from_a_shorter_one)
{
	struct postern_prefix shorter = prefix("10.64.0.0/16"), longer = prefix("10.64.1.0/24");
	struct postern_destination row;
	struct postern_pool pool;

	put_pool("10.64.0.0/16", steered(128));
	cr_expect_eq(steering_pool_get(&s, &shorter, &pool), 0);
	cr_expect_eq(pool.prefix_len, 112);
	cr_expect_eq(steering_pool_get(&s, &longer, &pool), -ENOENT);
	put_destination("10.64.0.0/16", POSTERN_DEST_PASS, 0);
	cr_expect_eq(steering_destination_get(&s, &shorter, &row), 0);
	cr_expect_eq(steering_destination_get(&s, &longer, &row), -ENOENT);
}

static int is_clean(void *arg, const struct postern_prefix *key,
		    const struct postern_pool *value)
{
	(void)arg;
	(void)value;
	return key->addr.octet[15] ? -EINVAL : 0;
}

Test(steering_policy, host_bits_of_a_key_do_not_matter)
{
	struct postern_prefix dirty = prefix("10.64.0.0/16");
	struct postern_pool pool = steered(128);

	dirty.addr.octet[15] = 7;
	cr_assert_eq(steering_pool_set(&s, &dirty, &pool), 0);
	cr_expect_eq(steering_pool_each(&s, is_clean, NULL), 0);
	dirty.addr.octet[15] = 9;
	cr_expect_eq(steering_pool_get(&s, &dirty, &pool), 0);
	cr_expect_eq(steering_pool_del(&s, &dirty), 0);
	cr_expect_eq(steering_pool_del(&s, &dirty), -ENOENT);
}

Test(steering_policy, impossible_lengths_and_numbers_are_refused)
{
	struct postern_prefix key = { .prefix_len = 129 };
	struct postern_destination row = { 0 };
	struct postern_pool pool = steered(128);
	struct postern_class class = { 0 };

	cr_expect_eq(steering_pool_set(&s, &key, &pool), -ERANGE);
	cr_expect_eq(steering_destination_set(&s, &key, &row), -ERANGE);
	cr_expect_eq(steering_class_set(&s, POSTERN_MAX_CLASSES, &class), -ERANGE);
	cr_expect_eq(steering_class_get(&s, POSTERN_MAX_CLASSES, &class), -ERANGE);
	cr_expect_eq(steering_listener_set(&s, POSTERN_MAX_WORKERS, 0), -ERANGE);
	cr_expect_null((void *)steering_tallies(&s, POSTERN_MAX_WORKERS));
}

Test(steering_policy, a_lapsed_override_is_looked_through)
{
	struct postern_addr a = addr("10.64.3.4");
	struct postern_pool pool = steered(128);

	put_pool("10.64.0.0/16", pool);
	pool.treatment = POSTERN_EXEMPT;
	pool.flags = POSTERN_POOL_OVERRIDE;
	pool.until = clock_boot() - 1;
	put_pool("10.64.3.0/24", pool);
	put_pool("10.64.3.4", pool);
	cr_assert_eq(steering_pool_match(&s, &a, &pool), 0);
	cr_expect_eq(pool.treatment, POSTERN_STEER);
	cr_expect_eq(pool.prefix_len, 112);
	pool.treatment = POSTERN_EXEMPT;
	pool.until = POSTERN_FOREVER;
	put_pool("10.64.3.4", pool);
	cr_assert_eq(steering_pool_match(&s, &a, &pool), 0);
	cr_expect_eq(pool.treatment, POSTERN_EXEMPT);
}

Test(steering_policy, everything_lapsed_is_no_pool)
{
	struct postern_addr a = addr("10.64.3.4");
	struct postern_pool pool = steered(128);

	pool.until = 1;
	put_pool("::/0", pool);
	put_pool("10.64.0.0/16", pool);
	cr_expect_eq(steering_pool_match(&s, &a, &pool), -ENOENT);
}

Test(steering_policy, resolve_outside_all_pools)
{
	struct steering_line line;

	put_pool("10.64.0.0/16", steered(128));
	cr_expect_eq(resolve("192.0.2.1", "198.51.100.25", &line), -ENOENT);
}

Test(steering_policy, resolve_masks_to_the_line)
{
	struct postern_addr want = addr("2001:db8:64:7::");
	struct steering_line line;

	put_pool("2001:db8:64::/48", steered(64));
	cr_assert_eq(resolve("2001:db8:64:7::abcd", "2001:db8:25::25", &line), 0);
	cr_expect(addr_equal(&line.line, &want));
	cr_expect_eq(line.treatment, POSTERN_STEER);
	cr_expect_not(line.shadow);
	cr_expect_eq(line.subscriber, 0);
}

/* A line's entry against the pool's: treatment and class, until it lapses. */
Test(steering_policy, resolve_line_over_pool)
{
	static const struct {
		struct postern_line line;
		enum postern_treatment treatment;
		unsigned int class_id;
	} rows[] = {
		{ { .subscriber = 1, .treatment = POSTERN_EXEMPT, .class = 3 }, POSTERN_EXEMPT, 3 },
		{ { .subscriber = 1, .treatment = POSTERN_REFUSE,
		    .class = POSTERN_CLASS_INHERIT }, POSTERN_REFUSE, 2 },
		{ { .subscriber = 1, .treatment = POSTERN_INHERIT, .class = 3 }, POSTERN_STEER, 3 },
		{ { .subscriber = 1, .treatment = POSTERN_EXEMPT, .class = 3, .until = 1 },
		  POSTERN_STEER, 3 },
		{ { .subscriber = 1, .treatment = POSTERN_EXEMPT, .class = 3,
		    .until = POSTERN_FOREVER }, POSTERN_EXEMPT, 3 },
	};
	struct postern_pool pool = steered(128);
	struct steering_line line;
	size_t i;

	pool.class = 2;
	put_pool("10.64.0.0/16", pool);
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		put_line("10.64.0.9", rows[i].line);
		cr_assert_eq(resolve("10.64.0.9", "198.51.100.25", &line), 0);
		cr_expect_eq(line.treatment, rows[i].treatment, "row %zu", i);
		cr_expect_eq(line.class_id, rows[i].class_id, "row %zu", i);
		cr_expect_eq(line.subscriber, 1, "row %zu", i);
	}
}

Test(steering_policy, resolve_destination_over_line)
{
	struct steering_line line;

	put_pool("10.64.0.0/16", steered(128));
	put_line("10.64.0.9", (struct postern_line) { .class = 3, .treatment = POSTERN_STEER });
	put_destination("198.51.100.0/24", POSTERN_DEST_CLASS, 5);
	put_destination("198.51.100.7", POSTERN_DEST_PASS, 0);
	put_destination("198.51.100.1", POSTERN_DEST_OWN, 0);
	cr_assert_eq(resolve("10.64.0.9", "198.51.100.25", &line), 0);
	cr_expect_eq(line.class_id, 5);
	cr_expect_eq(line.treatment, POSTERN_STEER);
	cr_assert_eq(resolve("10.64.0.9", "198.51.100.7", &line), 0);
	cr_expect_eq(line.treatment, POSTERN_EXEMPT);
	cr_assert_eq(resolve("10.64.0.9", "198.51.100.1", &line), 0);
	cr_expect_eq(line.treatment, POSTERN_EXEMPT);
	cr_assert_eq(resolve("10.64.0.9", "203.0.113.1", &line), 0);
	cr_expect_eq(line.class_id, 3);
}

static bool shadow_of(const char *src)
{
	struct steering_line line;

	cr_assert_eq(resolve(src, "198.51.100.25", &line), 0);
	return line.shadow;
}

Test(steering_policy, shadow_by_mode_or_class)
{
	struct postern_settings settings = { .abi = POSTERN_ABI, .mode = POSTERN_SHADOW };
	struct postern_class class = { .name = "pilot", .mode = POSTERN_SHADOW };

	put_pool("10.64.0.0/16", steered(128));
	cr_expect_not(shadow_of("10.64.0.9"));
	cr_assert_eq(steering_settings_set(&s, &settings), 0);
	cr_expect(shadow_of("10.64.0.9"));
	settings.mode = POSTERN_ENFORCE;
	cr_assert_eq(steering_settings_set(&s, &settings), 0);
	cr_assert_eq(steering_class_set(&s, 0, &class), 0);
	cr_expect(shadow_of("10.64.0.9"));
}

Test(steering_policy, shadow_by_rollout_share)
{
	struct postern_pool pool = steered(128);
	char text[32];
	int i;

	pool.rollout = 30;
	put_pool("10.64.0.0/16", pool);
	for (i = 1; i < 200; i++) {
		struct postern_addr a;

		snprintf(text, sizeof(text), "10.64.0.%d", i);
		a = addr(text);
		cr_expect_eq(shadow_of(text), !postern_line_in_rollout(&a, 30), "%s", text);
	}
}

Test(steering_policy, counters_are_sums)
{
	uint64_t counters[POSTERN_R_COUNT], per_cpu[1024] = { 0 };
	uint32_t key = POSTERN_R_steered;
	int i;

	cr_assert_lt(s.cpus, 1024);
	for (i = 0; i < s.cpus; i++)
		per_cpu[i] = 10;
	cr_assert_eq(bpf_map_update_elem(s.fd[STEERING_MAP_counters], &key, per_cpu, 0), 0);
	steering_tallies(&s, 0)[POSTERN_R_end_quit] = 3;
	steering_tallies(&s, 31)[POSTERN_R_end_quit] = 4;
	cr_assert_eq(steering_counters(&s, counters), 0);
	cr_expect_eq(counters[POSTERN_R_steered], 10u * (unsigned int)s.cpus);
	cr_expect_eq(counters[POSTERN_R_end_quit], 7);
	cr_expect_eq(counters[POSTERN_R_none], 0);
}

static int count_pool(void *arg, const struct postern_prefix *key,
		      const struct postern_pool *value)
{
	(void)key;
	(void)value;
	return ++*(int *)arg == 3 ? -ECANCELED : 0;
}

static int drop_line(void *arg, const struct postern_addr *key, const struct postern_line *value)
{
	(void)value;
	++*(int *)arg;
	return steering_line_del(&s, key);
}

Test(steering_policy, walks_stop_and_survive_deletion)
{
	char text[32];
	int i, seen = 0;

	cr_expect_eq(steering_pool_each(&s, count_pool, &seen), 0);
	cr_expect_eq(seen, 0);
	for (i = 0; i < 5; i++) {
		snprintf(text, sizeof(text), "10.%d.0.0/16", i);
		put_pool(text, steered(128));
		snprintf(text, sizeof(text), "10.64.0.%d", i);
		put_line(text, (struct postern_line) { .subscriber = 1 });
	}
	cr_expect_eq(steering_pool_each(&s, count_pool, &seen), -ECANCELED);
	cr_expect_eq(seen, 3);
	seen = 0;
	cr_expect_eq(steering_line_each(&s, drop_line, &seen), 0);
	cr_expect_eq(seen, 5);
	cr_expect_eq(steering_line_each(&s, drop_line, &seen), 0);
	cr_expect_eq(seen, 5);
}

static int listener(void)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	cr_assert_eq(bind(fd, (struct sockaddr *)&any, sizeof(any)), 0);
	cr_assert_eq(listen(fd, 1), 0);
	return fd;
}

/* Everything but check, up, down and open lives on descriptors alone. */
Test(steering_policy, works_without_any_rights)
{
	struct postern_addr a = addr("198.51.100.25");
	uint64_t counters[POSTERN_R_COUNT];
	struct steering_events *events;
	struct steering_line line;

	cr_assert_eq(setgroups(0, NULL), 0);
	cr_assert_eq(setresgid(65534, 65534, 65534), 0);
	cr_assert_eq(setresuid(65534, 65534, 65534), 0);
	cr_assert_eq(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	put_pool("10.64.0.0/16", steered(128));
	put_line("10.64.0.9", (struct postern_line) { .treatment = POSTERN_EXEMPT });
	cr_expect_eq(resolve("10.64.0.9", "198.51.100.25", &line), 0);
	cr_expect_eq(steering_own_refresh(&s), 0);
	cr_expect_eq(steering_dead_set(&s, &a, &a, 1), 0);
	cr_expect_eq(steering_listener_set(&s, 0, listener()), 0);
	cr_expect_eq(steering_counters(&s, counters), 0);
	steering_heartbeats(&s)[1] = clock_boot();
	cr_expect_eq(steering_events_open(&s, &events), 0);
	cr_expect_eq(steering_events_read(events, NULL, NULL), 0);
	cr_expect_geq(steering_events_fd(events), 0);
	steering_events_close(events);
}
