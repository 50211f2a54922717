// SPDX-License-Identifier: GPL-2.0
/* The JSON writer of json.h. No state outside struct json; any thread. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"

static void put(struct json *j, const char *text, size_t len)
{
	/* One octet is kept for the final NUL. */
	if (j->cut || len >= j->size - j->len) {
		j->cut = true;
		return;
	}
	memcpy(j->buf + j->len, text, len);
	j->len += len;
}

static void put_unit(struct json *j, unsigned int unit)
{
	char text[8];

	snprintf(text, sizeof(text), "\\u%04x", unit & 0xffff);
	put(j, text, 6);
}

static void put_code(struct json *j, uint32_t code)
{
	if (code < 0x10000) {
		put_unit(j, code);
		return;
	}
	code -= 0x10000;
	put_unit(j, 0xd800 + (code >> 10));
	put_unit(j, 0xdc00 + (code & 0x3ff));
}

/* Length of a UTF-8 sequence by its first octet; 0 for one that cannot begin. */
static size_t utf8_length(unsigned char first)
{
	if (first >= 0xc2 && first <= 0xdf)
		return 2;
	if (first >= 0xe0 && first <= 0xef)
		return 3;
	if (first >= 0xf0 && first <= 0xf4)
		return 4;
	return 0;
}

/*
 * Decode one sequence of RFC 3629, section 4. Returns its length, or 0 when
 * @s does not begin with a valid one (overlong and surrogate forms included).
 */
static size_t utf8_decode(const unsigned char *s, size_t len, uint32_t *code)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	size_t n = utf8_length(s[0]);

	if (!n || n > len)
		return 0;
	*code = s[0] & (0x7f >> n);
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*code = *code << 6 | (s[i] & 0x3f);
	}
	if (*code < least[n] || *code > 0x10ffff || (*code >= 0xd800 && *code <= 0xdfff))
		return 0;
	return n;
}

/* Write what @s begins with; returns how many octets that was. */
static size_t put_char(struct json *j, const unsigned char *s, size_t len)
{
	char pair[2] = { '\\', (char)s[0] };
	uint32_t code;
	size_t n;

	if (s[0] == '"' || s[0] == '\\') {
		put(j, pair, 2);
		return 1;
	}
	if (s[0] >= 0x20 && s[0] < 0x7f) {
		put(j, pair + 1, 1);
		return 1;
	}
	n = s[0] < 0x80 ? 0 : utf8_decode(s, len, &code);
	put_code(j, n ? code : s[0]);
	return n ? n : 1;
}

static void put_string(struct json *j, const char *value, size_t len)
{
	const unsigned char *s = (const unsigned char *)value;
	size_t at = 0;

	put(j, "\"", 1);
	while (at < len && !j->cut)
		at += put_char(j, s + at, len - at);
	put(j, "\"", 1);
}

/* What stands in front of a value: the comma, then the key unless NULL. */
static void put_key(struct json *j, const char *key)
{
	if (j->comma)
		put(j, ",", 1);
	j->comma = true;
	if (!key)
		return;
	put_string(j, key, strlen(key));
	put(j, ":", 1);
}

void json_begin(struct json *j, char *buf, size_t size)
{
	*j = (struct json){ .buf = buf, .size = size, .cut = size == 0 };
	put(j, "{", 1);
}

void json_octets(struct json *j, const char *key, const char *value, size_t len)
{
	put_key(j, key);
	put_string(j, value, len);
}

void json_text(struct json *j, const char *key, const char *value)
{
	json_octets(j, key, value, strlen(value));
}

void json_number(struct json *j, const char *key, int64_t value)
{
	char text[24];

	put_key(j, key);
	put(j, text, (size_t)snprintf(text, sizeof(text), "%lld", (long long)value));
}

void json_flag(struct json *j, const char *key, bool value)
{
	put_key(j, key);
	put(j, value ? "true" : "false", value ? 4 : 5);
}

void json_open(struct json *j, const char *key, char bracket)
{
	put_key(j, key);
	put(j, &bracket, 1);
	j->comma = false;
}

void json_close(struct json *j, char bracket)
{
	put(j, &bracket, 1);
	j->comma = true;
}

int json_end(struct json *j)
{
	put(j, "}\n", 2);
	if (j->cut)
		return -ENOSPC;
	j->buf[j->len] = '\0';
	return (int)j->len;
}
