// SPDX-License-Identifier: GPL-2.0
/*
 * Reads Content-Type and Content-Transfer-Encoding (RFC 2045, sections 5 and
 * 6). Of two such fields the first counts.
 */
#include <string.h>
#include <strings.h>

#include "verdict/mime_field.h"

/* A part of a field's text. */
struct span {
	const char *at;
	const char *end;
};

/* Kinds of content; a prefix that ends in "/" stands for all its subtypes. */
static const struct type {
	const char *name;
	bool message, html, skip;
} types[] = {
	{ "text/plain",		false, false, false },
	{ "text/",		false, true,  false },
	{ "multipart/",		false, false, false },
	{ "message/rfc822",	true,  false, false },
	{ "message/global",	true,  false, false },
	{ "message/news",	true,  false, false },
	{ "message/",		false, false, false },
	{ "image/",		false, false, true },
	{ "audio/",		false, false, true },
	{ "video/",		false, false, true },
	{ "font/",		false, false, true },
	{ "",			false, true,  false },
};

static const struct {
	const char *name;
	enum decode_kind kind;
} encodings[] = {
	{ "quoted-printable",	DECODE_QUOTED },
	{ "base64",		DECODE_BASE64 },
};

bool line_blank_octet(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

bool line_is_ended(const char *line, size_t len)
{
	return len && line[len - 1] == '\n';
}

bool line_is_blank(const char *line, size_t len)
{
	return (len == 1 && line[0] == '\n') || (len == 2 && !memcmp(line, "\r\n", 2));
}

bool line_is_field(const char *line, size_t len)
{
	size_t at = 0;

	if (len && line_blank_octet(line[0]))
		return true;
	while (at < len && line[at] > ' ' && line[at] < 0x7f && line[at] != ':')
		at++;
	if (at < len && line[at] == ' ' &&
	    ((at == 4 && !memcmp(line, "From", 4)) || (at == 5 && !memcmp(line, ">From", 5))))
		return true;
	while (at < len && (line[at] == ' ' || line[at] == '\t'))
		at++;
	return at && at < len && line[at] == ':';
}

static bool starts(const struct span *s, const char *name)
{
	size_t len = strlen(name);

	return (size_t)(s->end - s->at) >= len && !strncasecmp(s->at, name, len);
}

static void skip_blanks(struct span *s)
{
	while (s->at < s->end && line_blank_octet(*s->at))
		s->at++;
}

/* Take up to one of @stops or a blank. */
static struct span take_word(struct span *s, const char *stops)
{
	struct span word = { s->at, s->at };

	while (s->at < s->end && !line_blank_octet(*s->at) && *s->at && !strchr(stops, *s->at))
		s->at++;
	word.end = s->at;
	return word;
}

/* Copy a parameter's value, quotes and backslashes undone. 0 when it is too long. */
static size_t take_value(struct span *s, char *out, size_t size)
{
	size_t len = 0;
	bool quoted = s->at < s->end && *s->at == '"';

	for (s->at += quoted; s->at < s->end; s->at++) {
		if (quoted ? *s->at == '"' : (*s->at == ';' || line_blank_octet(*s->at)))
			break;
		if (quoted && *s->at == '\\' && s->at + 1 < s->end)
			s->at++;
		if (len == size)
			return 0;
		if (*s->at != '\r' && *s->at != '\n')
			out[len++] = *s->at;
	}
	if (quoted && s->at < s->end)
		s->at++;
	return len;
}

/* The boundary parameter of a multipart. */
static void read_boundary(struct mime *m, struct span *s)
{
	char other[MIME_BOUNDARY];
	struct span name;
	size_t len;

	while (s->at < s->end) {
		while (s->at < s->end && *s->at != ';')
			s->at++;
		s->at += s->at < s->end;
		skip_blanks(s);
		name = take_word(s, "=;");
		skip_blanks(s);
		if (s->at == s->end || *s->at != '=')
			continue;
		s->at++;
		skip_blanks(s);
		len = take_value(s, other, sizeof(other));
		if (name.end - name.at != 8 || !starts(&name, "boundary"))
			continue;
		memcpy(m->part.boundary, other, len);
		m->part.boundary_len = len;
		m->cut |= !len;
		return;
	}
}

static void read_type(struct mime *m, struct span *s)
{
	const struct type *type = types;

	if (m->part.type_seen)
		return;
	m->part.type_seen = true;
	skip_blanks(s);
	while (!starts(s, type->name))
		type++;
	m->part.message = type->message;
	m->part.html = type->html;
	m->part.skip = type->skip;
	if (starts(s, "multipart/"))
		read_boundary(m, s);
	m->cut |= m->field_len == sizeof(m->field);
}

static void read_encoding(struct mime *m, struct span *s)
{
	if (m->part.encoding_seen)
		return;
	m->part.encoding_seen = true;
	skip_blanks(s);
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		if (starts(s, encodings[i].name))
			m->part.encoding = encodings[i].kind;
	}
}

static const struct {
	const char *name;
	void (*read)(struct mime *m, struct span *value);
} fields[] = {
	{ "content-type", read_type },
	{ "content-transfer-encoding", read_encoding },
};

void mime_field_read(struct mime *m)
{
	struct span name, all = { m->field, m->field + m->field_len };

	name = take_word(&all, ":");
	skip_blanks(&all);
	if (all.at == all.end || *all.at != ':')
		return;
	all.at++;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if ((size_t)(name.end - name.at) == strlen(fields[i].name) &&
		    starts(&name, fields[i].name))
			fields[i].read(m, &all);
	}
}
