// SPDX-License-Identifier: GPL-2.0
/* base/conf.c: good files, bad files with their exact words, mutated files. */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/clock.h"
#include "base/conf.h"

static char err[65536];

/* Read @len octets as a file called "F"; conf_read()'s answer, the faults in `err`. */
static int read_octets(const char *text, size_t len, struct conf **conf)
{
	char path[] = "/tmp/postern-conf-XXXXXX";
	int fd = mkstemp(path), rc;
	char *at;

	cr_assert_geq(fd, 0);
	cr_assert_eq(write(fd, text, len), (ssize_t)len);
	close(fd);
	*conf = NULL;
	strcpy(err, "untouched");
	rc = conf_read(path, conf, err, sizeof(err));
	unlink(path);
	while ((at = strstr(err, path))) {
		*at = 'F';
		memmove(at + 1, at + strlen(path), strlen(at + strlen(path)) + 1);
	}
	return rc;
}

static int read_text(const char *text, struct conf **conf)
{
	return read_octets(text, strlen(text), conf);
}

static struct conf *good(const char *text)
{
	struct conf *conf;

	cr_assert_eq(read_text(text, &conf), 0, "%s: %s", text, err);
	return conf;
}

static const struct {
	const char *text;
	const char *says;
} bad[] = {
#define BAD(text, says) { text, says },
#include "conf_bad.h"
};

Test(conf, bad_files_and_their_words)
{
	struct conf *conf;

	cr_assert_geq(sizeof(bad) / sizeof(bad[0]), 60);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		cr_expect_eq(read_text(bad[i].text, &conf), -EINVAL, "%s", bad[i].text);
		cr_expect_null(conf);
		cr_expect_str_eq(err, bad[i].says, "%s:\n%s\n%s", bad[i].text, err, bad[i].says);
	}
}

Test(conf, octet_nul)
{
	static const char text[] = "hostname = \"a\0b\"\nmode = shad\0w\n";
	struct conf *conf;

	cr_assert_eq(read_octets(text, sizeof(text) - 1, &conf), -EINVAL);
	cr_assert_str_eq(err, "F:1: control character in a string\nF:2: control character");
}

Test(conf, all_faults_at_once_in_order)
{
	struct conf *conf;

	cr_assert_eq(read_text("rule \"r\" {}\nworkers = 40\npool \"x\" { class = none }\n"
			       "bogus = 1\nmode = off\n", &conf), -EINVAL);
	cr_assert_str_eq(err,
		"F:1: rule \"r\" has no pattern, expected pattern = 'REGULAR EXPRESSION'\n"
		"F:2: workers = 40 is out of range, expected 0 to 31 threads\n"
		"F:3: class \"none\" of pool \"x\" is not defined, expected default or a section "
		"class \"none\" { ... }\n"
		"F:3: pool \"x\": expected an address or a prefix such as 10.64.0.0/16 or "
		"2001:db8:64::/48\n"
		"F:4: unknown parameter or section \"bogus\", expected one of postern.conf(5)\n"
		"F:5: mode = \"off\" is not known, expected enforce or shadow");
}

Test(conf, too_many_classes)
{
	char text[4096] = "";
	struct conf *conf;

	for (int i = 1; i < POSTERN_MAX_CLASSES; i++)
		sprintf(text + strlen(text), "class \"c%d\" {}\n", i);
	conf_free(good(text));
	strcat(text, "class \"c64\" {}\n");
	cr_assert_eq(read_text(text, &conf), -EINVAL);
	cr_assert_str_eq(err, "F: too many sections class, expected at most 64");
}

Test(conf, short_room_for_faults)
{
	char small[40];
	struct conf *conf;

	for (size_t size = 0; size < sizeof(small); size++) {
		memset(small, '#', sizeof(small));
		cr_assert_eq(conf_read("/nonexistent/postern.conf", &conf, small, size), -ENOENT);
		for (size_t i = size; i < sizeof(small); i++)
			cr_assert_eq(small[i], '#');
		cr_assert(!size || memchr(small, '\0', size));
	}
}

Test(conf, defaults)
{
	struct conf *conf;

	setenv("POSTERN_CONF", "", 1);
	if (access(CONF_DEFAULT_FILE, F_OK) == 0)
		cr_skip_test("there is a " CONF_DEFAULT_FILE);
	cr_assert_eq(conf_read(NULL, &conf, err, sizeof(err)), 0);
	cr_expect_str_eq(conf->file, "");
	cr_expect_eq(conf->mark, 0x504f0000);
	cr_expect_eq(conf->mark_mask, 0xffff0000);
	cr_expect_eq(conf->idle_timeout, 300 * NS_PER_SEC);
	cr_expect_str_eq(conf->event_log, "/var/log/postern/events.json");
	cr_expect_eq(conf->class_count, 1);
	cr_expect_str_eq(conf->classes[0].title, "default");
	cr_expect_eq(conf->classes[0].auth_code, 573);
	cr_expect(conf->classes[0].received);
	cr_expect_eq(conf->pool_count + conf->rule_count + conf->interface_count, 0);
	cr_expect_geq(conf_workers(conf), 1);
	cr_expect_leq(conf_workers(conf), POSTERN_KEEPER_ROW);
	conf_free(conf);
}

Test(conf, file_from_the_environment)
{
	struct conf *conf;

	setenv("POSTERN_CONF", "/nonexistent/x.conf", 1);
	cr_assert_eq(conf_read(NULL, &conf, err, sizeof(err)), -ENOENT);
	cr_assert_str_eq(err, "/nonexistent/x.conf: No such file or directory");
	cr_assert_eq(conf_read("/", &conf, err, sizeof(err)), -EISDIR);
}

Test(conf, manual_has_the_rows)
{
	if (access("doc/params.sh", X_OK))
		cr_skip_test("not at the top of the source");
	cr_expect_eq(system("doc/params.sh --check"), 0);
}

static const char full[] =
	"# a comment, then a /* block\n"
	"/* over\n * lines */ mode = shadow // and the rest\n"
	"workers = 0x3\r\n"
	"idle_timeout = 2m  line_timeout=90\n"
	"hostname = 'filter.example.net'\n"
	"interface \"eth0.100\" { side = upstream }\n"
	"interface 'ppp0' {}\n"
	"class \"pilot\" { mode = shadow auth_text = \"say \\\"no\\\" for \\$1\" }\n"
	"class \"default\" { fail = reset syn_rate = 0 }\n"
	"pool \"10.64.0.0/16\" { class = pilot rollout = 10 block_inbound = true }\n"
	"pool \"10.64.7.0/24\" { treatment = exempt }\n"
	"pool \"2001:db8:64::/48\" { line = 56 }\n"
	"pool \"2001:db8:65::/48\" { }\n"
	"destination \"192.0.2.25\" { }\n"
	"destination \"2001:db8::/32\" { rule = class class = pilot }\n"
	"rule \"number.1\" { where = url pattern = '^\\d+#{x}\\'$' score = -5 caseless = false\n"
	"  reject = true text = \"\xc3\xa9t\xc3\xa9\" }\n";

Test(conf, everything_in_one_file)
{
	struct conf *c = good(full);

	cr_expect_eq(c->mode, POSTERN_SHADOW);
	cr_expect_eq(conf_workers(c), 3);
	cr_expect_eq(c->idle_timeout, 120 * NS_PER_SEC);
	cr_expect_eq(c->line_timeout, 90 * NS_PER_SEC);
	cr_expect_str_eq(c->hostname, "filter.example.net");
	cr_expect_eq(c->interface_count, 2);
	cr_expect_eq(c->interfaces[0].side, CONF_SIDE_UPSTREAM);
	cr_expect_eq(c->interfaces[1].side, CONF_SIDE_SUBSCRIBER);
	cr_expect_eq(c->class_count, 2);
	cr_expect_str_eq(c->classes[0].title, "default");
	cr_expect_eq(c->classes[0].fail, POSTERN_FAIL_RESET);
	cr_expect_eq(c->classes[0].syn_rate, 0);
	cr_expect_str_eq(c->classes[1].auth_text, "say \"no\" for $1");
	cr_expect_eq(conf_class_find(c, "pilot"), 1);
	cr_expect_eq(conf_class_find(c, "none"), -1);
	conf_free(c);
}

Test(conf, pools_destinations_and_rules)
{
	char text[ADDR_TEXT];
	struct conf *c = good(full);

	cr_expect_eq(c->pool_count, 4);
	cr_expect_eq(c->pools[0].prefix.prefix_len, 112);
	cr_expect_eq(c->pools[0].line, 32);
	cr_expect_eq(c->pools[0].class_id, 1);
	cr_expect(c->pools[0].block_inbound);
	cr_expect_eq(c->pools[1].treatment + POSTERN_STEER, POSTERN_EXEMPT);
	cr_expect_eq(c->pools[1].class_id, 0);
	cr_expect_eq(c->pools[2].line, 56);
	cr_expect_eq(c->pools[3].line, 64);
	cr_expect_eq(c->destination_count, 2);
	cr_expect_eq(c->destinations[0].class_id, -1);
	cr_expect_str_eq(prefix_text(&c->destinations[0].prefix, text), "192.0.2.25");
	cr_expect_eq(c->destinations[1].class_id, 1);
	cr_expect_eq(c->rule_count, 1);
	cr_expect_str_eq(c->rules[0].pattern, "^\\d+#{x}'$");
	cr_expect_eq(c->rules[0].score, -5);
	cr_expect_eq(c->rules[0].where, CONF_WHERE_URL);
	cr_expect(c->rules[0].reject);
	cr_expect_not(c->rules[0].caseless);
	conf_free(c);
}

/* One change of the text: an octet, a cut, a doubled stretch. Returns the new length. */
static size_t mutate(char *text, size_t len, unsigned int *seed)
{
	size_t at = (size_t)rand_r(seed) % len, n = 1 + (size_t)rand_r(seed) % 20;

	n = n < len - at ? n : len - at;
	switch (rand_r(seed) % 4) {
	case 0:
		text[at] = (char)rand_r(seed);
		return len;
	case 1:
		text[at] = "\"'{}=#/*\\\n$ 9"[rand_r(seed) % 13];
		return len;
	case 2:
		memmove(text + at, text + at + n, len - at - n);
		return len > n ? len - n : 1;
	default:
		memmove(text + at + n, text + at, len - at);
		return len + n;
	}
}

/* Valid, or a fault with its line in every line of the answer. */
static bool answer_is_sound(int rc, struct conf *conf)
{
	if (rc == 0)
		return conf && conf->class_count >= 1;
	for (const char *p = err; p; p = strchr(p, '\n') ? strchr(p, '\n') + 1 : NULL) {
		size_t digits;

		if (strncmp(p, "F: ", 3) == 0)
			continue;
		digits = strncmp(p, "F:", 2) == 0 ? strspn(p + 2, "0123456789") : 0;
		if (!digits || strncmp(p + 2 + digits, ": ", 2) != 0)
			return false;
	}
	return rc == -EINVAL && !conf && *err;
}

Test(conf, thousand_mutations)
{
	static char text[sizeof(full) + 512];
	unsigned int seed = 25, valid = 0;

	for (int i = 0; i < 1000; i++) {
		size_t len = sizeof(full) - 1;
		struct conf *conf;
		int rc;

		memcpy(text, full, len);
		for (int n = i % 2 ? rand_r(&seed) % 4 : 0; n >= 0; n--)
			len = mutate(text, len, &seed);
		rc = read_octets(text, len, &conf);
		cr_assert(answer_is_sound(rc, conf), "mutation %d: %d\n%.*s\n%s", i, rc, (int)len,
			  text, err);
		valid += rc == 0;
		conf_free(conf);
	}
	/* Both outcomes were seen, and a good file is still read after all that. */
	cr_expect_gt(valid, 50);
	cr_expect_lt(valid, 950);
	conf_free(good(full));
}
