// SPDX-License-Identifier: GPL-2.0
/* The links engine: what is found, what is not, and how hosts are read. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "verdict/links.h"

#define B(name) LINK_BIT(name)

struct seen {
	size_t	count;
	char	last[URL_TEXT];
};

static void on_url(void *owner, const char *text, size_t len)
{
	struct seen *seen = owner;

	cr_assert_eq(text[len], '\0');
	cr_assert_lt(len, URL_TEXT);
	seen->count++;
	strcpy(seen->last, text);
}

static const struct links_ops ops = { .url = on_url };

/* Feed @text in steps of @step octets. Returns what was found. */
static uint32_t look(const char *text, size_t len, bool html, size_t step, struct seen *seen)
{
	static struct links l;

	memset(seen, 0, sizeof(*seen));
	memset(&l, 0xa5, sizeof(l));
	links_init(&l, &ops, seen);
	for (size_t at = 0; at < len; at += step)
		links_feed(&l, text + at, len - at < step ? len - at : step, html);
	links_break(&l);
	return l.found;
}

struct row {
	const char	*text;
	uint32_t	found;
	const char	*url;		/* last one; NULL: none at all */
};

static void check(const struct row *rows, size_t count, bool html)
{
	struct seen seen;

	for (size_t i = 0; i < count; i++) {
		for (size_t step = 1; step <= strlen(rows[i].text); step++) {
			size_t len = strlen(rows[i].text);
			uint32_t found = look(rows[i].text, len, html, step, &seen);

			cr_assert_eq(found, rows[i].found, "%s: found %#x, not %#x",
				     rows[i].text, found, rows[i].found);
			cr_assert_str_eq(seen.last, rows[i].url ? rows[i].url : "", "%s: %s",
					 rows[i].text, seen.last);
		}
	}
}

#define CHECK(rows, html) check(rows, sizeof(rows) / sizeof((rows)[0]), html)

Test(links, plain_urls_are_found_and_show_nothing)
{
	static const struct row rows[] = {
		{ "see http://example.com/a?b#c.", 0, "http://example.com/a?b#c." },
		{ "see <HTTPS://Example.COM>", 0, "https://example.com" },
		{ "ftp://ftp.example.com:21/pub", 0, "ftp://ftp.example.com/pub" },
		{ "http://exAmple.com", 0, "http://example.com" },
		{ "(http://example.com)", 0, "http://example.com" },
		{ "WWW.example.com/x y", 0, "http://www.example.com/x" },
		{ "at www.example.com.", 0, "http://www.example.com" },
		{ "\"http://example.com\"x", 0, "http://example.com" },
		{ "http:///example.com/", 0, "http://example.com/" },
		{ "http:\\\\example.com\\a", 0, "http://example.com\\a" },
		{ "http://a.example/?u=http://b.example/", 0, "http://b.example/" },
		{ "http://example.com/%41%2F%7e%zz%4", 0, "http://example.com/A%2F~%zz%4" },
		{ "http://[2001:db8::1]:25/", 0, "http://[2001:db8::1]/" },
		{ "http://xn--bcher-kva.example/", 0, "http://xn--bcher-kva.example/" },
		{ "http://b\xc3\xbc" "cher.example/", 0, "http://b\xc3\xbc" "cher.example/" },
		{ "http://10.0.0.1/ http://192.168.1.1/ http://127.0.0.1:80/", 0,
		  "http://127.0.0.1/" },
		{ "http://172.31.2.3/ http://0.0.0.0/ http://169.254.1.1", 0,
		  "http://169.254.1.1" },
		{ "http://8080/", 0, "http://8080/" },
		{ "http://1.2.3/", 0, "http://1.2.3/" },
		{ "http://300.1.1.1/", 0, "http://300.1.1.1/" },
		{ "http://4294967296/", 0, "http://4294967296/" },
		{ "http://%DOMAIN%/ http://%s/ http://%20example.com/", 0, NULL },
		{ "http://example.com%2Fpath", 0, "http://example.com" },
		{ "http://medium.example/@joe.com", 0, "http://medium.example/@joe.com" },
		{ "http://example.com?x=a@b.com", 0, "http://example.com?x=a@b.com" },
		/* Not URLs. */
		{ "http:/example.com http example.com ://x //example.com", 0, NULL },
		{ "awww.example.com x.www.example.com joe@www.example.com", 0, NULL },
		{ "www.support.com@example.com", 0, NULL },
		{ "http://", 0, NULL },
		{ "=//example.com", 0, NULL },
		{ "http:\r\n//example.com", 0, NULL },
	};
	struct seen seen;

	(void)seen;
	CHECK(rows, false);
}

Test(links, hosts_hidden_from_the_reader)
{
	static const struct row rows[] = {
		{ "http://w%77%77.example.com/", B(hex_host), "http://www.example.com/" },
		{ "http://example%2ecom/", B(hex_host), "http://example.com/" },
		{ "www.%65xample.com", B(hex_host), "http://www.example.com" },
		{ "http://%31%30.0.0.1", B(hex_host), "http://10.0.0.1" },
		{ "http://3405803876/", B(number_host), "http://3405803876/" },
		{ "http://0xCB007164/x", B(number_host), "http://0xcb007164/x" },
		{ "http://031300070544/", B(number_host), "http://031300070544/" },
		{ "http://203.0.0x71.100", B(number_host), "http://203.0.0x71.100" },
		{ "http://0313.0.113.100", B(number_host), "http://0313.0.113.100" },
		{ "http://0xcb.7364", B(number_host), "http://0xcb.7364" },
		{ "http://203.0.113.100:8080/", B(address_host), "http://203.0.113.100/" },
		{ "http://203.000.113.100/", B(address_host), "http://203.000.113.100/" },
		{ "http://203.0.113.100.host.example/", B(address_name),
		  "http://203.0.113.100.host.example/" },
		{ "http://www.bank.example@evil.example/", B(user_host) | B(user_part),
		  "http://evil.example/" },
		{ "http://bank.com-login:x@evil.example/", B(user_host) | B(user_part),
		  "http://evil.example/" },
		{ "http://a@www.bank.example@evil.example/", B(user_host) | B(user_part),
		  "http://evil.example/" },
		{ "http://www.bank.example%40evil.example/", B(user_host) | B(user_part),
		  "http://evil.example/" },
		{ "http://joe:pw@example.com/", B(user_part), "http://example.com/" },
		{ "http://joe.smith@example.com/", B(user_part), "http://example.com/" },
		{ "ftp://joe%40site.com:pw@ftp.site.com/", B(user_part), "ftp://ftp.site.com/" },
		{ "http://joe%40site.com:pw@example.com/", B(user_part), "http://example.com/" },
		{ "ftp://site.com:pw@ftp.example/", B(user_part), "ftp://ftp.example/" },
		{ "http://%6aoe@example.com/", B(user_part) | B(user_hex), "http://example.com/" },
		{ "http://good.example\\@evil.example/", B(backslash_user),
		  "http://good.example\\@evil.example/" },
		{ "http://good.example\\x@evil.example/", B(backslash_user),
		  "http://good.example\\x@evil.example/" },
		{ "http://good.example\\x/y@evil.example/", 0,
		  "http://good.example\\x/y@evil.example/" },
		{ "http://ex\001ample.com/", B(control_host), "http://ex\001ample.com/" },
		{ "http://\xef\xbd\x85xample.com/", B(mapped_host), "http://example.com/" },
		{ "http://example\xe3\x80\x82" "com/", B(mapped_host), "http://example.com/" },
		{ "http://example\xef\xbd\xa1" "com/", B(mapped_host), "http://example.com/" },
		{ "http://\xf0\x9d\x9f\x9c.example/", B(mapped_host), "http://4.example/" },
		{ "http://\xe2\x93\x94\xe2\x92\xb6.example", B(mapped_host), "http://ea.example" },
		{ "http://%EF%BD%85.example", B(mapped_host), "http://e.example" },
		{ "http://redirect.example/?http://0x7f000001", B(number_host),
		  "http://0x7f000001" },
		{ "http:\\\\w%77w.example", B(hex_host), "http://www.example" },
	};

	CHECK(rows, false);
	CHECK(rows, true);
}

Test(links, references_are_undone_in_html)
{
	static const struct row rows[] = {
		{ "<a href=\"http://&#119;ww.example/\">", B(reference_host),
		  "http://www.example/" },
		{ "http://&#x77;ww.example/", B(reference_host), "http://www.example/" },
		{ "http://&#0000119ww.example/", B(reference_host), "http://www.example/" },
		{ "&#104;ttp&colon;&sol;&#47;example.com", 0, "http://example.com" },
		{ "http&#58;//example.com&#46;", 0, "http://example.com" },
		{ "http://example.com/?a=1&b=2&amp;c=3&nbsp;d", 0,
		  "http://example.com/?a=1&b=2&c=3&nbsp;d" },
		{ "http://a.example&quot;x", 0, "http://a.example" },
		{ "http://joe&commat;example.com", B(user_part), "http://example.com" },
		{ "http://&#119;x@example.com", B(user_part), "http://example.com" },
		{ "http://a&#x110000;b.example", 0, "http://a#x110000;b.example" },
		{ "http://example&#65294;com/", B(mapped_host), "http://example.com/" },
		{ "http://w&#37;77w.example/", B(hex_host), "http://www.example/" },
		{ "&&&#;&#x;&#xg;&;&#99999999;http://a.example/&#", 0, "http://a.example/&#" },
		{ "<a href=\"//evil.example/x\">", 0, "http://evil.example/x" },
		{ "<a href='//0x7f000001/x'>", B(number_host), "http://0x7f000001/x" },
		{ "<img src=//evil.example/x>", 0, "http://evil.example/x" },
		{ "a = \"x\" //evil.example", 0, NULL },
	};
	static const struct row plain[] = {
		{ "http://&#119;ww.example/", 0, NULL },
		{ "&#104;ttp://example.com", 0, NULL },
	};

	CHECK(rows, true);
	CHECK(plain, false);
}

Test(links, sizes_are_bounded)
{
	static char text[256 * 1024];
	struct seen seen;
	uint32_t found;
	size_t at;

	/* A user part of any length still leads to the host behind it. */
	at = (size_t)sprintf(text, "http://www.bank.example");
	memset(text + at, 'a', sizeof(text) - at);
	strcpy(text + sizeof(text) - 32, "@evil.example/ ");
	found = look(text, strlen(text), false, 4096, &seen);
	cr_expect_eq(found, B(user_host) | B(user_part));
	cr_expect_str_eq(seen.last, "http://evil.example/");

	/* Host, path, user part without an end; references without an end. */
	memset(text + 7, 'a', sizeof(text) - 7);
	look(text, sizeof(text), true, 1000, &seen);
	cr_expect_eq(seen.count, 1);
	text[20] = '/';
	look(text, sizeof(text), true, 1000, &seen);
	cr_expect_eq(strlen(seen.last), 20 + URL_REST);
	memset(text + 20, '%', sizeof(text) - 20);
	look(text, sizeof(text), true, 1000, &seen);
	memset(text + 7, '@', sizeof(text) - 7);
	look(text, sizeof(text), true, 1000, &seen);
	memset(text + 7, '&', sizeof(text) - 7);
	look(text, sizeof(text), true, 1000, &seen);
	for (size_t i = 7; i + 6 < sizeof(text); i += 6)
		memcpy(text + i, "&#x61;", 6);
	look(text, sizeof(text), true, 1000, &seen);
	cr_expect_eq(strlen(seen.last), 7 + URL_HOST);
}

Test(links, every_octet_in_every_place)
{
	char text[] = "http://a.b@c.d/e x";
	struct seen seen;

	for (size_t at = 0; at < strlen(text); at++) {
		char kept = text[at];

		for (unsigned int c = 0; c < 256; c++) {
			uint32_t whole, single;

			text[at] = (char)c;
			whole = look(text, sizeof(text) - 1, true, sizeof(text), &seen);
			single = look(text, sizeof(text) - 1, true, 1, &seen);
			cr_assert_eq(whole, single, "octet %#x at %zu", c, at);
		}
		text[at] = kept;
	}
}

Test(links, details_show_what_was_written_and_what_it_means)
{
	static const char text[] = "http://user:pw@w%77w.example.com/path";
	struct links l;
	struct seen seen = { 0 };

	links_init(&l, &ops, &seen);
	links_feed(&l, text, strlen(text), false);
	links_break(&l);
	cr_expect_str_eq(l.detail[LINK_hex_host],
			 "http://user:pw@w%77w.example.com = www.example.com");
}

Test(links, rows_have_names_scores_and_texts)
{
	for (size_t i = 0; i < LINK_COUNT; i++) {
		cr_expect_gt(link_rows[i].score, 0);
		cr_expect_gt(strlen(link_rows[i].text), 0);
		cr_expect_lt(strlen(link_rows[i].rule) + strlen("links:"), FACTS_RULE);
	}
}
