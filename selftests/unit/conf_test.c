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

/* A bad file and every fault that it has, in the order of their lines. */
static const struct {
	const char *text;
	const char *says;
} bad[] = {
	/* names */
	{ "bogus = 1\n", "F:1: unknown parameter or section \"bogus\", expected one of postern.conf(5)" },
	{ "\n\n# x\nWorkers = 1\n",
	  "F:4: unknown parameter or section \"Workers\", expected one of postern.conf(5)" },
	{ "pool \"10.0.0.0/8\" {\n\tlyne = 32\n}\n", "F:2: unknown parameter \"lyne\" in pool, expected "
	  "class, treatment, line, rollout or block_inbound" },
	{ "interface \"eth0\" { mode = shadow }\n",
	  "F:1: unknown parameter \"mode\" in interface, expected side" },
	{ "section \"x\" { a = b }\n", "F:1: unknown section \"section\", expected interface, class, pool, "
	  "destination or rule" },
	{ "limits { a = b }\n", "F:1: unknown section \"limits\", expected interface, class, pool, "
	  "destination or rule" },
	{ "a = 1\nb = 2\n",
	  "F:1: unknown parameter or section \"a\", expected one of postern.conf(5)\n"
	  "F:2: unknown parameter or section \"b\", expected one of postern.conf(5)" },

	/* numbers */
	{ "workers = 32\n", "F:1: workers = 32 is out of range, expected 0 to 31 threads" },
	{ "workers = -1\n", "F:1: workers = -1 is out of range, expected 0 to 31 threads" },
	{ "workers = 99999999999999999999\n", "F:1: workers = 99999999999999999999 is out of range, "
	  "expected 0 to 31 threads" },
	{ "workers = two\n", "F:1: workers = \"two\" is not a number, expected 0 to 31 threads" },
	{ "workers = \"\"\n", "F:1: workers = \"\" is not a number, expected 0 to 31 threads" },
	{ "workers = 2x\n", "F:1: workers = \"2x\" is not a number, expected 0 to 31 threads" },
	{ "workers = 0x\n", "F:1: workers = \"0x\" is not a number, expected 0 to 31 threads" },
	{ "workers = \" 2\"\n", "F:1: workers = \" 2\" is not a number, expected 0 to 31 threads" },
	{ "workers = \"+2\"\n", "F:1: workers = \"+2\" is not a number, expected 0 to 31 threads" },
	{ "workers = --2\n", "F:1: workers = \"--2\" is not a number, expected 0 to 31 threads" },
	{ "listen_port = 1023\n", "F:1: listen_port = 1023 is out of range, expected 1024 to 65000" },
	{ "class \"a\" { auth_code = 250 }\n", "F:1: auth_code = 250 is out of range, expected 500 to 599" },
	{ "rule \"a\" { pattern = x score = 100001 }\n",
	  "F:1: score = 100001 is out of range, expected -100000 to 100000 points" },

	/* lengths of time */
	{ "idle_timeout = 2\n\nidle_timeout = 5\n", "F:3: idle_timeout is given a second time" },
	{ "idle_timeout = 2h\n", "F:1: idle_timeout = 2h is out of range, expected 1s to 3600s" },
	{ "idle_timeout = 0\n", "F:1: idle_timeout = 0 is out of range, expected 1s to 3600s" },
	{ "idle_timeout = 9999999999999h\n",
	  "F:1: idle_timeout = 9999999999999h is out of range, expected 1s to 3600s" },
	{ "idle_timeout = 5x\n",
	  "F:1: idle_timeout = \"5x\" is not a length of time, expected such as 30s, 5m, 2h or 1d" },
	{ "idle_timeout = 5ms\n",
	  "F:1: idle_timeout = \"5ms\" is not a length of time, expected such as 30s, 5m, 2h or 1d" },
	{ "idle_timeout = s\n",
	  "F:1: idle_timeout = \"s\" is not a length of time, expected such as 30s, 5m, 2h or 1d" },
	{ "idle_timeout = -5s\n",
	  "F:1: idle_timeout = \"-5s\" is not a length of time, expected such as 30s, 5m, 2h or 1d" },
	{ "dot_timeout = 59s\nverdict_timeout = 1m\n",
	  "F:1: dot_timeout is shorter than verdict_timeout, expected at least as long" },

	/* words and flags */
	{ "mode = bypass\n", "F:1: mode = \"bypass\" is not known, expected enforce or shadow" },
	{ "mode = Shadow\n", "F:1: mode = \"Shadow\" is not known, expected enforce or shadow" },
	{ "mode = enforc\n", "F:1: mode = \"enforc\" is not known, expected enforce or shadow" },
	{ "mode = \"\"\n", "F:1: mode = \"\" is not known, expected enforce or shadow" },
	{ "xdp = hardware\n", "F:1: xdp = \"hardware\" is not known, expected auto, native, generic or off" },
	{ "backend = nfqueue\n", "F:1: backend = \"nfqueue\" is not known, expected ebpf" },
	{ "class \"a\" { received = yes }\n", "F:1: received = \"yes\" is not known, expected true or false" },
	{ "class \"a\" {\n fail = closed\n}\n", "F:2: fail = \"closed\" is not known, expected open or reset" },
	{ "class \"a\" {\n\n starttls = pass }\n", "F:3: starttls = \"pass\" is not available in this "
	  "release, expected hide or refuse" },
	{ "interface \"eth0\" { side = inside }\n",
	  "F:1: side = \"inside\" is not known, expected subscriber or upstream" },

	/* texts */
	{ "run_dir = run\n", "F:1: run_dir = \"run\", expected an absolute path" },
	{ "run_dir = \"/\"\n", "F:1: run_dir has 1 octets, expected 2 to 80" },
	{ "event_log = events.json\n",
	  "F:1: event_log = \"events.json\", expected an absolute path or nothing" },
	{ "hostname = \"a b\"\n", "F:1: hostname = \"a b\", expected a name such as filter.example.net" },
	{ "hostname = \"a..b\"\n", "F:1: hostname = \"a..b\", expected a name such as filter.example.net" },
	{ "clerk_user = \"a:b\"\n", "F:1: clerk_user = \"a:b\", expected the name of a user" },
	{ "keeper_user = \"\"\n", "F:1: keeper_user has 0 octets, expected 1 to 31" },
	{ "class \"a\" { auth_text = \"\xc3\xa9\" }\n", "F:1: auth_text, expected printable ASCII" },
	{ "class \"a\" { help_url = 'a\tb' }\n", "F:1: help_url, expected printable ASCII" },

	/* marks */
	{ "mark = 0x504f0001\n",
	  "F:1: mark = 0x504f0001 has bits outside of mark_mask, expected bits of 0xffff0000 alone" },
	{ "mark = 0\n", "F:1: mark = 0 is out of range, expected 1 to 4294967295" },

	/* titles */
	{ "interface \"a-very-long-name\" {}\n", "F:1: interface \"a-very-long-name\", expected a name of "
	  "1 to 15 octets without /, : and blanks" },
	{ "interface \"\" {}\n",
	  "F:1: interface \"\", expected a name of 1 to 15 octets without /, : and blanks" },
	{ "interface \"eth0\" {}\ninterface \"eth0\" {}\n",
	  "F:2: second section \"eth0\" of its kind, expected one" },
	{ "class \"a\" {}\n\nclass \"a\" {}\n", "F:3: second section \"a\" of its kind, expected one" },
	{ "class \"abcdefghijklmnopqrstuvwxyz123456\" {}\n", "F:1: class \"abcdefghijklmnopqrstuvwxyz123456\", "
	  "expected 1 to 31 letters, digits, dots, hyphens and underscores" },
	{ "class \"a b\" {}\n", "F:1: class \"a b\", expected 1 to 31 letters, digits, dots, hyphens and "
	  "underscores" },
	{ "rule \"\" { pattern = a }\n", "F:1: rule \"\", expected 1 to 40 letters, digits, dots, hyphens and "
	  "underscores" },
	{ "rule \"x\" {\n}\n", "F:1: rule \"x\" has no pattern, expected pattern = 'REGULAR EXPRESSION'" },
	{ "rule \"x\" {\n pattern = \"\"\n}\n", "F:2: pattern has 0 octets, expected 1 to 4096\n"
	  "F:2: rule \"x\" has no pattern, expected pattern = 'REGULAR EXPRESSION'" },

	/* prefixes */
	{ "pool \"10.64.0.0/15\" {}\n\npool \"10.64.0.1/16\" {}\n",
	  "F:3: pool \"10.64.0.1/16\": bits are set behind the prefix length" },
	{ "pool \"10.64.0.0/33\" {}\n", "F:1: pool \"10.64.0.0/33\": prefix length out of range (IPv4 0 to 32, "
	  "IPv6 0 to 128)" },
	{ "pool \"10.64\" {}\n", "F:1: pool \"10.64\": expected an address or a prefix such as 10.64.0.0/16 "
	  "or 2001:db8:64::/48" },
	{ "pool \"10.64.0.0/16\" {}\npool \"10.64.0.0/16\" {}\n",
	  "F:2: second section \"10.64.0.0/16\" of its kind, expected one" },
	{ "pool \"2001:db8::/32\" {}\npool \"2001:0db8::/32\" {}\n", "F:2: pool \"2001:0db8::/32\" is the same "
	  "prefix as \"2001:db8::/32\" on line 1, expected one of them" },
	{ "pool \"10.64.0.0/16\" {\n line = 24\n}\n", "F:2: line = 24 in IPv4 pool \"10.64.0.0/16\", expected 32" },
	{ "pool \"2001:db8:64::/48\" {\n line = 47\n}\n", "F:2: line = 47 is shorter than pool "
	  "\"2001:db8:64::/48\", expected 48 to 128" },
	{ "pool \"2001:db8:64::/72\" {}\n", "F:1: line = 64 is shorter than pool "
	  "\"2001:db8:64::/72\", expected 72 to 128" },
	{ "pool \"10.64.0.0/16\" {\n class = gold\n}\n", "F:2: class \"gold\" of pool \"10.64.0.0/16\" is not "
	  "defined, expected default or a section class \"gold\" { ... }" },
	{ "pool \"10.64.0.0/16\" { rollout = 101 }\n",
	  "F:1: rollout = 101 is out of range, expected 0 to 100 per cent" },
	{ "destination \"192.0.2.1\" {\n rule = class\n}\n", "F:2: destination \"192.0.2.1\" has rule = class, "
	  "expected class = NAME too" },
	{ "destination \"192.0.2.1\" {\n class = default\n}\n", "F:2: destination \"192.0.2.1\" has a class, "
	  "expected rule = class with it" },
	{ "destination \"192.0.2.1\" {\n rule = class\n class = gold\n}\n", "F:3: class \"gold\" of destination "
	  "\"192.0.2.1\" is not defined, expected default or a section class \"gold\" { ... }" },
	{ "destination \"192.0.2.1/32\" {}\ndestination \"192.0.2.1\" {}\n", "F:2: destination \"192.0.2.1\" is "
	  "the same prefix as \"192.0.2.1/32\" on line 1, expected one of them" },

	/* grammar */
	{ "workers 2\n", "F:1: \"workers\" stands without =, expected NAME = VALUE" },
	{ "workers =\n", "F:2: file ends before a value" },
	{ "workers = 2 3 = 4\n", "F:1: unknown parameter or section \"3\", expected one of postern.conf(5)" },
	{ "= 2\n", "F:1: unexpected \"=\", expected NAME = VALUE or a section" },
	{ "class { }\n", "F:1: class stands without a title, expected class \"TITLE\" { ... }" },
	{ "class \"a\" = 3\n", "F:1: class stands without {, expected class \"TITLE\" { ... }" },
	{ "class \"a\" {\nworkers = 1\n", "F:1: section is not closed, expected }" },
	{ "class \"a\" {\n class \"b\" { } }\n", "F:2: section inside the one begun on line 1, expected } first\n"
	  "F:2: } without {" },
	{ "}\n", "F:1: } without {" },
	{ "workers += 2\n", "F:1: unexpected +, expected text in quotes" },
	{ "workers = 2;\n", "F:1: unexpected ;, expected text in quotes" },
	{ "workers = 4*\n", "F:1: unexpected *, expected text in quotes" },
	{ "hostname = caf\xc3\xa9\n",
	  "F:1: unexpected character outside of ASCII, expected text in quotes" },
	{ "state_dir = /var/lib/\n", "F:1: word ends in /, expected it in quotes" },
	{ "\"workers\" = 2\n", "F:1: string where a name was expected" },
	{ "\"\" = 2\n", "F:1: string where a name was expected" },
	{ "hostname = \"a\nmode = shadow\n", "F:1: string is not closed on its line, expected \"" },
	{ "hostname = 'a\n", "F:1: string is not closed on its line, expected '" },
	{ "\n/* a\n\nb\n", "F:2: comment is not closed, expected */" },
	{ "rule \"a\" { pattern = \"\\d+\" }\n", "F:1: backslash in \"...\", expected \\\\, \\\" or \\$ (in '...' a "
	  "backslash stands for itself)" },
	{ "rule \"a\" { pattern = \"${HOME}\" }\n", "F:1: ${ in \"...\", expected \\${ or '...'" },
	{ "hostname = ${HOSTNAME}\n", "F:1: unexpected $, expected text in quotes" },
	{ "hostname = \"a\x01\"\n", "F:1: control character in a string" },
	{ "mode\x0b = shadow\n", "F:1: control character" },
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
