// SPDX-License-Identifier: GPL-2.0
/*
 * Finds URLs. Seeking, only slashes and dots are looked at: what stands
 * before them decides whether a URL begins. Runs in the scan's thread.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "verdict/links.h"

#define LINK(name, rule, score, text) [LINK_##name] = { rule, score, text },
const struct link_row link_rows[LINK_COUNT] = {
#include "tbl/links.h"
};
#undef LINK

/* What an octet can be; several bits may be set. */
enum octet_class {
	OCTET_SEEK	= 0x01,		/* a URL may begin with it */
	OCTET_END	= 0x02,		/* ends a URL */
	OCTET_HOST_END	= 0x04,		/* ends the host, or a user part */
	OCTET_SLASH	= 0x08,
};

static const unsigned char classes[256] = {
	['.'] = OCTET_SEEK,
	['/'] = OCTET_SEEK | OCTET_SLASH | OCTET_HOST_END,
	['\\'] = OCTET_SEEK | OCTET_SLASH | OCTET_HOST_END,
	['?'] = OCTET_HOST_END,
	['#'] = OCTET_HOST_END,
	['@'] = OCTET_HOST_END,
	[' '] = OCTET_END | OCTET_HOST_END,
	['\t'] = OCTET_END | OCTET_HOST_END,
	['\r'] = OCTET_END | OCTET_HOST_END,
	['\n'] = OCTET_END | OCTET_HOST_END,
	['"'] = OCTET_END | OCTET_HOST_END,
	['\''] = OCTET_END | OCTET_HOST_END,
	['<'] = OCTET_END | OCTET_HOST_END,
	['>'] = OCTET_END | OCTET_HOST_END,
	['`'] = OCTET_END | OCTET_HOST_END,
};

static unsigned char class_of(char c)
{
	return classes[(unsigned char)c];
}

/* A piece of text and the place in it. */
struct piece {
	const char	*data;
	size_t		len;
	size_t		at;
};

/* The eight octets before the place @at, newest lowest. */
static uint64_t past_of(const struct links *l, const struct piece *p, size_t at)
{
	uint64_t past;
	size_t n = at < sizeof(past) ? at : sizeof(past);

	if (n == sizeof(past)) {
		memcpy(&past, p->data + at - sizeof(past), sizeof(past));
		return __builtin_bswap64(past);
	}
	past = l->past;
	for (size_t i = 0; i < n; i++)
		past = past << 8 | (unsigned char)p->data[i];
	return past;
}

/* Octets as a number, newest lowest, letters in lower case. */
#define PAST1(a)		((uint64_t)(a) | 0x20)
#define PAST2(a, b)		(PAST1(a) << 8 | PAST1(b))
#define PAST4(a, b, c, d)	(PAST2(a, b) << 16 | PAST2(c, d))
#define LOWER			0x2020202020202020ULL

/* The scheme that ends in front of the first slash, or NULL. */
static const char *scheme_before(uint64_t past)
{
	if ((past & 0xffffffffff) == (PAST4('h', 't', 't', 'p') << 8 | PAST1(':')))
		return "http";
	if ((past & 0xffffffffffff) == (PAST4('h', 't', 't', 'p') << 16 | PAST2('s', ':')))
		return "https";
	if ((past & 0xffffffff) == PAST4('f', 't', 'p', ':'))
		return "ftp";
	return NULL;
}

static void url_begin(struct links *l, const char *scheme, enum links_state state)
{
	l->url.scheme = scheme;
	l->url.has_user = false;
	l->url.reference = false;
	l->url.backslash = false;
	l->url.backslash_at = false;
	l->url.found = 0;
	l->url.user_len = 0;
	l->url.host_len = 0;
	l->url.rest_len = 0;
	l->www = false;
	l->state = state;
}

static void append(char *buf, size_t *len, size_t size, const char *data, size_t n)
{
	n = n < size - *len ? n : size - *len;
	memcpy(buf + *len, data, n);
	*len += n;
}

/* "SCHEME://USER@HOST" as written, and the host that it means where that differs. */
static void detail_write(const struct url *u, const struct url_host *host, char *out)
{
	int user = u->user_len < 24 ? (int)u->user_len : 24;
	int written = u->host_len < 48 ? (int)u->host_len : 48;
	int len = snprintf(out, FACTS_DETAIL, "%s://%.*s%s%.*s", u->scheme, user, u->user,
			   u->has_user ? "@" : "", written, u->host);

	if (host->len != u->host_len || memcmp(host->text, u->host, host->len) != 0)
		snprintf(out + len, FACTS_DETAIL - (size_t)len, " = %.*s", (int)host->len,
			 host->text);
}

/* Did the host end in a backslash, and does an "@" follow before its real end? */
static bool at_after_backslash(const struct url *u)
{
	if (!u->backslash)
		return false;
	for (size_t i = 1; i < u->rest_len; i++) {
		if (u->rest[i] == '@')
			return true;
		if (strchr("/?#", u->rest[i]))
			return false;
	}
	return false;
}

/* The URL is whole. */
static void url_end(struct links *l)
{
	char text[URL_TEXT];
	struct url_host host;
	uint32_t found, first;

	l->state = LINKS_SEEK;
	l->url.backslash_at = at_after_backslash(&l->url);
	found = url_judge(&l->url, &host);
	if (!host.len)
		return;
	first = found & ~l->found;
	l->found |= found;
	for (unsigned int i = 0; first; i++, first >>= 1) {
		if (first & 1)
			detail_write(&l->url, &host, l->detail[i]);
	}
	if (l->ops->url)
		l->ops->url(l->owner, text, url_text(&l->url, &host, text));
}

/* A slash: does a scheme with its first slash stand before it? */
static bool begin_scheme(struct links *l, uint64_t past)
{
	unsigned char first = past & 0xff;
	const char *scheme;

	if (first != '/' && first != '\\')
		return false;
	scheme = scheme_before((past | LOWER) >> 8);
	if (!scheme)
		return false;
	if (l->state == LINKS_REST)
		url_end(l);
	url_begin(l, scheme, LINKS_SLASHES);
	return true;
}

/* ="// or =// in HTML: the scheme of the page, for mail http. */
static bool begin_relative(struct links *l, uint64_t past)
{
	unsigned char quote = past >> 8 & 0xff;

	if (!l->html || (past & 0xff) != '/')
		return false;
	if (quote == '"' || quote == '\'')
		quote = past >> 16 & 0xff;
	if (quote != '=')
		return false;
	url_begin(l, "http", LINKS_SLASHES);
	return true;
}

/* A dot: is it "www." at the start of a word? */
static bool begin_www(struct links *l, uint64_t past)
{
	unsigned char before = past >> 24 & 0xff;

	if (((past | LOWER) & 0xffffff) != (PAST1('w') << 16 | PAST2('w', 'w')))
		return false;
	if (isalnum(before) || (before && strchr(".-_@/\\%", before)))
		return false;
	url_begin(l, "http", LINKS_HOST);
	l->www = true;
	append(l->url.host, &l->url.host_len, sizeof(l->url.host), "www.", 4);
	return true;
}

static void seek(struct links *l, struct piece *p)
{
	while (p->at < p->len) {
		uint64_t past;
		char c;

		while (!(class_of(p->data[p->at]) & OCTET_SEEK)) {
			if (++p->at == p->len)
				return;
		}
		c = p->data[p->at];
		past = past_of(l, p, p->at++);
		if (c == '.' ? begin_www(l, past) :
		    begin_scheme(l, past) || (c == '/' && begin_relative(l, past)))
			return;
	}
}

static void skip_slashes(struct links *l, struct piece *p)
{
	while (p->at < p->len && class_of(p->data[p->at]) & OCTET_SLASH)
		p->at++;
	if (p->at < p->len)
		l->state = LINKS_HOST;
}

/* What was taken for the host stands in front of an "@". */
static void take_user(struct links *l)
{
	struct url *u = &l->url;

	u->found |= url_user_judge(u->scheme, u->host, u->host_len);
	u->has_user = true;
	if (!u->user_len)
		append(u->user, &u->user_len, sizeof(u->user), u->host, u->host_len);
	u->host_len = 0;
	u->reference = false;
}

static void take_host(struct links *l, struct piece *p)
{
	struct url *u = &l->url;
	size_t from = p->at;
	char c;

	while (p->at < p->len && !(class_of(p->data[p->at]) & OCTET_HOST_END))
		p->at++;
	append(u->host, &u->host_len, sizeof(u->host), p->data + from, p->at - from);
	if (p->at == p->len)
		return;
	c = p->data[p->at];
	if (class_of(c) & OCTET_END) {
		url_end(l);
	} else if (c != '@') {
		u->backslash = c == '\\';
		l->state = LINKS_REST;
	} else if (l->www) {
		l->state = LINKS_SEEK;
	} else {
		take_user(l);
		p->at++;
	}
}

static void take_rest(struct links *l, struct piece *p)
{
	struct url *u = &l->url;
	size_t from = p->at;

	while (p->at < p->len && !(class_of(p->data[p->at]) & (OCTET_END | OCTET_SLASH)))
		p->at++;
	append(u->rest, &u->rest_len, sizeof(u->rest), p->data + from, p->at - from);
	if (p->at == p->len)
		return;
	if (class_of(p->data[p->at]) & OCTET_END) {
		url_end(l);
		return;
	}
	/* A URL within the path of another: the inner one is the target. */
	if (!begin_scheme(l, past_of(l, p, p->at)))
		append(u->rest, &u->rest_len, sizeof(u->rest), p->data + p->at, 1);
	p->at++;
}

static void take(struct links *l, struct piece *p)
{
	switch (l->state) {
	case LINKS_SEEK:
		seek(l, p);
		return;
	case LINKS_SLASHES:
		skip_slashes(l, p);
		return;
	case LINKS_HOST:
		take_host(l, p);
		return;
	case LINKS_REST:
		take_rest(l, p);
		return;
	}
}

static void run(struct links *l, const char *data, size_t len)
{
	struct piece p = { .data = data, .len = len };

	while (p.at < p.len)
		take(l, &p);
	l->past = past_of(l, &p, len);
}

/*
 * The reference in progress is over: put its meaning, or itself, in its place.
 * Returns whether it was one.
 */
static bool reference_end(struct links *l)
{
	char out[4];
	size_t len = reference_value(&l->reference, out);

	if (len && (l->state == LINKS_HOST || l->state == LINKS_SLASHES))
		l->url.reference |= isalnum((unsigned char)out[0]) != 0;
	if (len)
		run(l, out, len);
	else
		run(l, l->reference.text, l->reference.len);
	l->reference.len = 0;
	return len > 0;
}

/* Text with references. Returns the octets taken. */
static size_t run_html(struct links *l, const char *data, size_t len)
{
	const char *mark;
	bool used;

	if (l->reference.len) {
		if (reference_take(&l->reference, *data, &used))
			return 1;
		return reference_end(l) && used ? 1 : 0;
	}
	mark = memchr(data, '&', len);
	run(l, data, mark ? (size_t)(mark - data) : len);
	if (!mark)
		return len;
	reference_take(&l->reference, '&', &used);
	return (size_t)(mark - data) + 1;
}

void links_init(struct links *l, const struct links_ops *ops, void *owner)
{
	l->ops = ops;
	l->owner = owner;
	l->state = LINKS_SEEK;
	l->past = 0;
	l->reference.len = 0;
	l->found = 0;
}

void links_feed(struct links *l, const char *data, size_t len, bool html)
{
	size_t at = 0;

	l->html = html;
	if (!html) {
		run(l, data, len);
		return;
	}
	while (at < len)
		at += run_html(l, data + at, len - at);
}

void links_break(struct links *l)
{
	if (l->reference.len)
		reference_end(l);
	run(l, "\n", 1);
	l->past = 0;
}
