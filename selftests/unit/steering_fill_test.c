// SPDX-License-Identifier: GPL-2.0
/* From the configuration into the maps, once and again with another file. */
#include "base/clock.h"
#include "steering/fill.h"
#include "steering_conf.h"
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

TestSuite(steering_fill, .init = setup, .fini = teardown);

static void fill(const char *text)
{
	struct conf *conf = conf_of(text);

	cr_assert_eq(fill_policy(&s, conf, NULL), 0);
	cr_assert_eq(fill_settings(&s, conf), 0);
	conf_free(conf);
}

static int pool_get(const char *key, struct postern_pool *pool)
{
	struct postern_prefix p = prefix(key);

	return steering_pool_get(&s, &p, pool);
}

static int destination_get(const char *key, struct postern_destination *row)
{
	struct postern_prefix p = prefix(key);

	return steering_destination_get(&s, &p, row);
}

Test(steering_fill, a_class_becomes_a_row)
{
	struct postern_class class;

	fill("class \"slow\" { fail = \"reset\" mode = \"shadow\" syn_rate = 4 syn_burst = 8 }\n"
	     "class \"free\" { syn_rate = 0 }\n");
	cr_assert_eq(steering_class_get(&s, 0, &class), 0);
	cr_expect_str_eq(class.name, "default");
	cr_assert_eq(steering_class_get(&s, 1, &class), 0);
	cr_expect_str_eq(class.name, "slow");
	cr_expect_eq(class.fail, POSTERN_FAIL_RESET);
	cr_expect_eq(class.mode, POSTERN_SHADOW);
	cr_expect_eq(class.syn_interval, NS_PER_SEC / 4);
	cr_expect_eq(class.syn_tolerance, 2 * NS_PER_SEC);
	cr_assert_eq(steering_class_get(&s, 2, &class), 0);
	cr_expect_eq(class.syn_interval, 0);
	cr_expect_eq(class.refused, POSTERN_REFUSED_RESET);
	cr_expect_eq(class.fail, POSTERN_FAIL_OPEN);
	fill("class \"told\" { refused = \"greet\" }\n");
	cr_assert_eq(steering_class_get(&s, 1, &class), 0);
	cr_expect_eq(class.refused, POSTERN_REFUSED_GREET);
	cr_expect_eq(steering_class_get(&s, 3, &class), -ENOENT);
}

Test(steering_fill, a_pool_becomes_a_row)
{
	static const struct {
		const char *key;
		__u8 treatment, line_len, rollout, flags;
	} rows[] = {
		{ "10.64.0.0/16", POSTERN_STEER, 128, 30, POSTERN_POOL_CONF },
		{ "10.65.0.0/16", POSTERN_REFUSE, 128, 100,
		  POSTERN_POOL_CONF | POSTERN_POOL_BLOCK_INBOUND },
		{ "2001:db8:64::/48", POSTERN_EXEMPT, 64, 100, POSTERN_POOL_CONF },
		{ "2001:db8:65::/48", POSTERN_STEER, 56, 100, POSTERN_POOL_CONF },
		{ "2001:db8:66::/80", POSTERN_STEER, 80, 100, POSTERN_POOL_CONF },
	};
	struct postern_pool pool;
	size_t i;

	fill("pool \"10.64.0.0/16\" { rollout = 30 }\n"
	     "pool \"10.65.0.0/16\" { treatment = \"refuse\" line = 32 block_inbound = true }\n"
	     "pool \"2001:db8:64::/48\" { treatment = \"exempt\" }\n"
	     "pool \"2001:db8:65::/48\" { line = 56 }\n"
	     "pool \"2001:db8:66::/80\" { line = 80 }\n");
	for (i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		cr_assert_eq(pool_get(rows[i].key, &pool), 0, "%s", rows[i].key);
		cr_expect_eq(pool.treatment, rows[i].treatment, "%s", rows[i].key);
		cr_expect_eq(pool.line_len, rows[i].line_len, "%s", rows[i].key);
		cr_expect_eq(pool.rollout, rows[i].rollout, "%s", rows[i].key);
		cr_expect_eq(pool.flags, rows[i].flags, "%s", rows[i].key);
		cr_expect_eq(pool.class, 0, "%s", rows[i].key);
	}
}

Test(steering_fill, what_vanished_from_the_file_goes)
{
	struct postern_destination row;
	struct postern_pool pool;

	fill("pool \"10.64.0.0/16\" { }\npool \"10.65.0.0/16\" { }\n"
	     "destination \"198.51.100.7\" { }\ndestination \"198.51.100.8\" { }\n");
	fill("pool \"10.65.0.0/16\" { }\ndestination \"198.51.100.8\" { }\n");
	cr_expect_eq(pool_get("10.64.0.0/16", &pool), -ENOENT);
	cr_expect_eq(pool_get("10.65.0.0/16", &pool), 0);
	cr_expect_eq(destination_get("198.51.100.7", &row), -ENOENT);
	cr_expect_eq(destination_get("198.51.100.8", &row), 0);
	cr_expect_eq(row.rule, POSTERN_DEST_PASS);
}

Test(steering_fill, what_was_added_by_hand_stays)
{
	struct postern_prefix pool_key = prefix("10.66.0.0/16"), key = prefix("10.65.0.0/16");
	struct postern_pool pool = { .treatment = POSTERN_STEER, .line_len = 128 };
	struct postern_destination row = { .rule = POSTERN_DEST_PASS };

	cr_assert_eq(steering_pool_set(&s, &pool_key, &pool), 0);
	pool = (struct postern_pool) { .treatment = POSTERN_EXEMPT, .line_len = 128,
				       .flags = POSTERN_POOL_OVERRIDE };
	cr_assert_eq(steering_pool_set(&s, &key, &pool), 0);
	key = prefix("203.0.113.0/24");
	cr_assert_eq(steering_destination_set(&s, &key, &row), 0);
	fill("pool \"10.65.0.0/16\" { }\n");
	cr_expect_eq(pool_get("10.66.0.0/16", &pool), 0);
	cr_expect_eq(pool_get("10.65.0.0/16", &pool), 0);
	cr_expect_eq(pool.treatment, POSTERN_EXEMPT, "override of a whole pool");
	cr_expect_eq(destination_get("203.0.113.0/24", &row), 0);
}

Test(steering_fill, a_lapsed_override_of_a_whole_pool_gives_way)
{
	struct postern_pool pool = { .treatment = POSTERN_EXEMPT, .line_len = 128, .until = 1,
				     .flags = POSTERN_POOL_OVERRIDE };
	struct postern_prefix key = prefix("10.65.0.0/16");

	cr_assert_eq(steering_pool_set(&s, &key, &pool), 0);
	fill("pool \"10.65.0.0/16\" { }\n");
	cr_expect_eq(pool_get("10.65.0.0/16", &pool), 0);
	cr_expect_eq(pool.treatment, POSTERN_STEER);
}

/* Classes are numbered by their place in the file, and the file changes. */
Test(steering_fill, rows_follow_their_class)
{
	struct postern_addr moved = addr("10.64.0.1"), vanished = addr("10.64.0.2"),
			    none = addr("10.64.0.3");
	struct postern_prefix key = prefix("203.0.113.0/24"), pool_key = prefix("10.66.0.0/16");
	struct postern_destination row = { .rule = POSTERN_DEST_CLASS, .class = 2 };
	struct postern_pool pool = { .treatment = POSTERN_STEER, .line_len = 128, .class = 2 };
	struct postern_line line = { .subscriber = 1, .class = 2 };

	fill("class \"gone\" { }\nclass \"stays\" { }\n");
	cr_assert_eq(steering_line_set(&s, &moved, &line), 0);
	line.class = 1;
	cr_assert_eq(steering_line_set(&s, &vanished, &line), 0);
	line.class = POSTERN_CLASS_INHERIT;
	cr_assert_eq(steering_line_set(&s, &none, &line), 0);
	cr_assert_eq(steering_destination_set(&s, &key, &row), 0);
	cr_assert_eq(steering_pool_set(&s, &pool_key, &pool), 0);
	fill("class \"new\" { }\nclass \"other\" { }\nclass \"stays\" { }\n");
	cr_expect_eq(steering_line_get(&s, &moved, &line), 0);
	cr_expect_eq(line.class, 3);
	cr_expect_eq(line.subscriber, 1);
	cr_expect_eq(steering_line_get(&s, &vanished, &line), 0);
	cr_expect_eq(line.class, POSTERN_CLASS_INHERIT);
	cr_expect_eq(steering_line_get(&s, &none, &line), 0);
	cr_expect_eq(line.class, POSTERN_CLASS_INHERIT);
	cr_expect_eq(destination_get("203.0.113.0/24", &row), 0);
	cr_expect_eq(row.class, 3);
	cr_expect_eq(pool_get("10.66.0.0/16", &pool), 0);
	cr_expect_eq(pool.class, 3);
}

Test(steering_fill, settings_of_a_fresh_load_and_of_a_running_one)
{
	struct postern_settings first, second;
	uint64_t before = clock_boot();

	fill("workers = 3\ngrace = \"10m\"\nheartbeat = \"4s\"\nsample = 7\nmode = \"shadow\"\n");
	cr_assert_eq(steering_settings_get(&s, &first), 0);
	cr_expect_eq(first.abi, POSTERN_ABI);
	cr_expect_eq(first.mode, POSTERN_SHADOW);
	cr_expect_eq(first.workers, 3);
	cr_expect_eq(first.stale_ns, 4 * NS_PER_SEC);
	cr_expect_eq(first.sample, 7);
	cr_expect_eq(first.mark, 0x504f0000);
	cr_expect_eq(first.mark_mask, 0xffff0000);
	cr_expect_eq(first.bypass_until, 0);
	cr_expect_geq(first.grace_until, before + 600 * NS_PER_SEC);
	first.bypass_until = POSTERN_FOREVER;
	cr_assert_eq(steering_settings_set(&s, &first), 0);
	fill("grace = \"1h\"\n");
	cr_assert_eq(steering_settings_get(&s, &second), 0);
	cr_expect_eq(second.mode, POSTERN_ENFORCE);
	cr_expect_eq(second.bypass_until, POSTERN_FOREVER, "a bypass outlives a second up");
	cr_expect_eq(second.grace_until, first.grace_until, "grace begins once");
	cr_expect_geq(second.workers, 1);
}
