// SPDX-License-Identifier: GPL-2.0
/* The MIME reader and the two decoders, at every way to cut the input. */
#include <criterion/criterion.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "verdict/mime.h"

/* Decode in steps of @step octets into room for @room at a time. */
static size_t decode(enum decode_kind kind, const char *in, size_t step, size_t room, char *out)
{
	size_t len = strlen(in), at = 0, made = 0;
	struct decode d;

	decode_init(&d, kind);
	while (at < len) {
		size_t taken = len - at < step ? len - at : step;

		made += decode_run(&d, in + at, &taken, out + made, room);
		at += taken;
	}
	out[made] = '\0';
	return made;
}

struct code {
	enum decode_kind kind;
	const char *in;
	const char *out;
};

Test(decode, forms)
{
	static const struct code rows[] = {
		{ DECODE_QUOTED, "caf=C3=A9 =3d= \t\r\n x=\r\ny=\nz", "caf\xc3\xa9 = xyz" },
		{ DECODE_QUOTED, "a=4g=g4=", "a=4g=g4" },
		{ DECODE_QUOTED, "==41=4=41", "==41=4A" },
		{ DECODE_QUOTED, "= =41", "A" },
		{ DECODE_QUOTED, "= x", "x" },
		{ DECODE_BASE64, "aGVsbG8gd29ybGQ=", "hello world" },
		{ DECODE_BASE64, "aGVs\r\nbG8g d29y\r\nbGQ", "hello wor" },
		{ DECODE_BASE64, "aGVsbA==aGVsbG8=", "hellhello" },
		{ DECODE_BASE64, "a-G.V*s", "hel" },
		{ DECODE_BASE64, "====", "" },
		{ DECODE_NONE, "a=41", "a=41" },
	};
	char out[512];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t step = 1; step <= strlen(rows[i].in); step++) {
			for (size_t room = 4 * DECODE_BURST; room < 24; room++) {
				decode(rows[i].kind, rows[i].in, step, room, out);
				cr_assert_str_eq(out, rows[i].out, "%s in steps of %zu: %s",
						 rows[i].in, step, out);
			}
		}
	}
}

Test(decode, every_octet_behind_every_state)
{
	static const char *const heads[] = { "", "=", "= ", "=4", "a", "aG", "aGV" };
	char in[8], out[64];

	for (unsigned int c = 1; c < 256; c++) {
		for (size_t i = 0; i < sizeof(heads) / sizeof(heads[0]); i++) {
			snprintf(in, sizeof(in), "%s%cx", heads[i], (char)c);
			cr_assert_leq(decode(DECODE_QUOTED, in, 1, 12, out), strlen(in));
			cr_assert_leq(decode(DECODE_BASE64, in, 1, 12, out), strlen(in));
		}
	}
}

/* What the reader hands on, written down. */
struct heard {
	char	header[9000], body[9000], text[9000];
	size_t	parts;
	bool	cut;
	char	mode;		/* of the text before: 'p' plain, 'h' HTML, capital: decoded */
};

static void add(char *to, const char *data, size_t len)
{
	size_t at = strlen(to);

	memcpy(to + at, data, len);
	to[at + len] = '\0';
}

static void on_header(void *owner, const char *data, size_t len)
{
	add(((struct heard *)owner)->header, data, len);
}

static void on_body(void *owner, const char *data, size_t len)
{
	add(((struct heard *)owner)->body, data, len);
}

static void on_text(void *owner, const struct mime_text *text)
{
	struct heard *h = owner;
	char mode = text->html ? 'h' : 'p';
	char mark[] = { '[', text->decoded ? (char)(mode - 32) : mode, ']' };

	cr_assert_gt(text->len, 0);
	if (h->mode != mark[1])
		add(h->text, mark, sizeof(mark));
	h->mode = mark[1];
	add(h->text, text->data, text->len);
}

static void on_part(void *owner)
{
	struct heard *h = owner;

	h->parts++;
	h->mode = 0;
	add(h->text, "|", 1);
}

static const struct mime_ops ops = {
	.header = on_header, .body = on_body, .text = on_text, .part = on_part,
};

static void hear(const char *text, size_t step, struct heard *h)
{
	static struct mime m;
	size_t len = strlen(text);

	memset(&m, 0xa5, sizeof(m));
	memset(h, 0, sizeof(*h));
	mime_init(&m, &ops, h);
	for (size_t at = 0; at < len; at += step)
		mime_feed(&m, text + at, len - at < step ? len - at : step);
	mime_end(&m);
	h->cut = m.cut;
}

struct row {
	const char *in, *header, *text;
};

static void check(const struct row *row)
{
	struct heard h;

	for (size_t step = 1; step <= strlen(row->in); step++) {
		hear(row->in, step, &h);
		cr_assert_str_eq(h.header, row->header, "%s\nsteps of %zu: header %s", row->in,
				 step, h.header);
		cr_assert_str_eq(h.text, row->text, "%s\nsteps of %zu: text %s", row->in, step,
				 h.text);
		cr_assert_not(h.cut);
	}
}

#define CHECK(rows)								\
	for (size_t i = 0; i < sizeof(rows) / sizeof((rows)[0]); i++)		\
		check(&(rows)[i])

Test(mime, header_and_body)
{
	static const struct row rows[] = {
		{ "A: b\r\nC: d\r\n e\r\n\r\ntext\r\n", "A: b\r\nC: d\r\n e\r\n\r\n",
		  "|[p]text\r\n|" },
		{ "A: b\n\ntext\n", "A: b\n\n", "|[p]text\n|" },
		{ "\r\ntext", "\r\n", "|[p]text|" },
		{ "A: b\r\n", "A: b\r\n", "|" },
		{ "A: b", "A: b", "|" },
		{ "From joe Mon\r\nA : b\r\n\r\nx", "From joe Mon\r\nA : b\r\n\r\n", "|[p]x|" },
		/* The first line that is no field is held against both. */
		{ "A: b\r\nno field\r\nx", "A: b\r\nno field\r\n", "|[p]no field\r\nx|" },
		{ "no field", "no field", "|[p]no field|" },
		{ "A: b\r\n:\r\nx", "A: b\r\n:\r\n", "|[p]:\r\nx|" },
	};

	CHECK(rows);
}

Test(mime, encodings_and_types)
{
	static const struct row rows[] = {
		{ "content-transfer-encoding: BASE64\r\n\r\naGVsbG8=\r\n",
		  "content-transfer-encoding: BASE64\r\n\r\n", "|[P]hello|" },
		{ "Content-Transfer-Encoding:\r\n Quoted-Printable (x)\r\n\r\na=3D=\r\nb",
		  "Content-Transfer-Encoding:\r\n Quoted-Printable (x)\r\n\r\n", "|[P]a=b|" },
		{ "Content-Type: Text/HTML; charset=x\r\n\r\nx",
		  "Content-Type: Text/HTML; charset=x\r\n\r\n", "|[h]x|" },
		{ "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\nx",
		  "Content-Type: text/plain\r\nContent-Type: text/html\r\n\r\n", "|[p]x|" },
		{ "Content-Type: image/png\r\n\r\nx", "Content-Type: image/png\r\n\r\n", "||" },
		{ "Content-Type: application/octet-stream\r\n\r\nx",
		  "Content-Type: application/octet-stream\r\n\r\n", "|[h]x|" },
		{ "X-Content-Type: text/html\r\n\r\nx", "X-Content-Type: text/html\r\n\r\n",
		  "|[p]x|" },
	};

	CHECK(rows);
}

#define MULTI(boundary) "Content-Type: multipart/mixed; boundary=" boundary "\r\n\r\n"

Test(mime, multiparts)
{
	static const struct row rows[] = {
		{ MULTI("b") "pre\r\n--b\r\n\r\none\r\n--b\r\nContent-Type: text/html\r\n\r\n"
		  "two\r\n--b--\r\nepi", MULTI("b"),
		  "|[p]pre\r\n|[p]one\r\n|[h]two\r\n|[p]epi|" },
		/* Quoted, with blanks; parameters around; trailing blanks on the line. */
		{ "Content-Type: multipart/x;\r\n\ta=\"b;boundary=no\"; BOUNDARY = \"a \\\"b\";c=d"
		  "\r\n\r\n--a \"b  \r\n\r\none", "Content-Type: multipart/x;\r\n\ta=\"b;boundary="
		  "no\"; BOUNDARY = \"a \\\"b\";c=d\r\n\r\n", "||[p]one|" },
		/* Lines that only look like boundaries. */
		{ MULTI("b") "--b\r\n\r\n-\r\n--\r\n---b\r\n--bb\r\n--b-\r\n-- b\r\n-b\r\nx--b\r\n"
		  "--b--", MULTI("b"), "||[p]-\r\n--\r\n---b\r\n--bb\r\n--b-\r\n-- b\r\n-b\r\n"
		  "x--b\r\n--b--|" },
		/* A boundary ends a header; a part may have none, or a broken one. */
		{ MULTI("b") "--b\r\nX: y\r\n--b\r\n\r\none\r\n--b\r\nno field\r\n--b--\r\n",
		  MULTI("b"), "|||[p]one\r\n|[p]no field\r\n||" },
		/* An outer boundary ends inner parts; inner ones begin with it. */
		{ MULTI("b") "--b\r\n" MULTI("bc") "--bc\r\n\r\nin\r\n--b\r\n\r\nout\r\n--bc\r\nx",
		  MULTI("b"), "|||[p]in\r\n|[p]out\r\n--bc\r\nx|" },
		/* The same boundary within itself is the inner one's. */
		{ MULTI("b") "--b\r\n" MULTI("b") "--b\r\n\r\nin\r\n--b--\r\n--b\r\n\r\nout",
		  MULTI("b"), "|||[p]in\r\n||[p]out|" },
		/* An attached message, whose part is encoded. */
		{ MULTI("b") "--b\r\nContent-Type: message/rfc822\r\n\r\nSubject: x\r\n"
		  "Content-Transfer-Encoding: base64\r\n\r\naGVs\r\nbG8=\r\n--b--\r\n", MULTI("b"),
		  "||[P]hello||" },
		/* No line feed at the end of the last boundary or of a held line. */
		{ MULTI("b") "--b\r\n\r\nx\r\n--", MULTI("b"), "||[p]x\r\n--|" },
		{ "Content-Type: multipart/mixed\r\n\r\n--b\r\nx", "Content-Type: multipart/mixed"
		  "\r\n\r\n", "|[p]--b\r\nx|" },
	};

	CHECK(rows);
}

Test(mime, whole_body_is_handed_on)
{
	static const char head[] = MULTI("b"), body[] = "--b\r\nA: b\r\n\r\n-x\r\n--b--\r\nepi";
	char text[256];
	struct heard h;

	snprintf(text, sizeof(text), "%s%s", head, body);
	for (size_t step = 1; step < strlen(text); step++) {
		hear(text, step, &h);
		cr_assert_str_eq(h.body, body);
	}
	hear("no field\r\nx", 3, &h);
	cr_assert_str_eq(h.body, "no field\r\nx");
}

Test(mime, limits_are_noticed_and_held)
{
	char text[8192] = "";
	struct heard h;

	/* One level more than is followed: read as plain text, and said. */
	for (int i = 0; i < MIME_DEPTH + 1; i++)
		sprintf(text + strlen(text), MULTI("%d") "--%d\r\n", i, i);
	strcat(text, "\r\nx");
	hear(text, 7, &h);
	cr_expect(h.cut);
	for (int i = 0; i < MIME_DEPTH; i++)
		sprintf(text + (i ? strlen(text) : 0), MULTI("%d") "--%d\r\n", i, i);
	strcat(text, "\r\nx");
	hear(text, 7, &h);
	cr_expect_not(h.cut);

	/* A boundary, a field, a field name, a line longer than is held. */
	for (size_t len = MIME_BOUNDARY - 1; len < MIME_BOUNDARY + 20; len++) {
		char boundary[256];

		snprintf(boundary, sizeof(boundary), "%0*d", (int)len, 0);
		sprintf(text, MULTI("%s") "--%s\r\n\r\nx\r\n--%s\r\n", boundary, boundary,
			boundary);
		hear(text, len, &h);
		cr_expect_eq(h.cut, len > MIME_BOUNDARY);
		cr_expect_eq(h.parts, len > MIME_BOUNDARY ? 2 : 4, "%zu: %zu", len, h.parts);
	}
	memset(text, 'a', sizeof(text) - 1);
	memcpy(text, "A: ", 3);
	strcpy(text + 900, "\r\n\r\n");
	hear(text, 100, &h);
	cr_expect_eq(strlen(h.header), 904);
	cr_expect_str_eq(h.text, "||");
	memset(text, 'a', 900);
	hear(text, 100, &h);
	cr_expect_eq(strlen(h.body), 904, "%zu", strlen(h.body));
}

Test(mime, state_is_small)
{
	cr_expect_leq(sizeof(struct mime), 8192);
}
