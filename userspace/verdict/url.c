// SPDX-License-Identifier: GPL-2.0
/*
 * Decodes and classifies the host of one URL. Number hosts are read in
 * host.c. Pure functions; any thread.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "verdict/decode.h"
#include "verdict/host.h"
#include "verdict/url.h"

/* Octet at @s, percent-decoded. Sets *@used to the octets read (1 or 3). */
static unsigned char octet_at(const char *s, size_t len, size_t *used)
{
	int high, low;

	*used = 1;
	if (s[0] != '%' || len < 3)
		return (unsigned char)s[0];
	high = hex_value(s[1]);
	low = hex_value(s[2]);
	if (high < 0 || low < 0)
		return (unsigned char)s[0];
	*used = 3;
	return (unsigned char)(high << 4 | low);
}

static bool is_plain(unsigned char c)
{
	return c < 0x80 && (isalnum(c) || c == '.' || c == '-' || c == '_');
}

/* Percent-decode; @hex tells whether letters, digits or the like were encoded. */
static size_t decode_host(const char *in, size_t len, char *out, size_t size, bool *hex)
{
	size_t at = 0, made = 0, used;

	while (at < len && made < size) {
		unsigned char c = octet_at(in + at, len - at, &used);

		*hex |= used == 3 && is_plain(c) && c != '_';
		out[made++] = (char)c;
		at += used;
	}
	return made;
}

/* Does a label that ends names stand in @s, as in "www.bank.com-login"? */
static bool has_top_label(const char *s, size_t len)
{
	static const char *const labels[] = { ".com", ".net", ".org", ".gov", ".edu", ".info",
					      ".biz" };

	for (size_t at = 1; at < len; at++) {
		for (size_t i = 0; s[at] == '.' && i < sizeof(labels) / sizeof(labels[0]); i++) {
			size_t n = strlen(labels[i]);

			if (len - at < n || strncasecmp(s + at, labels[i], n) != 0)
				continue;
			if (len - at == n || !isalpha((unsigned char)s[at + n]))
				return true;
		}
	}
	return false;
}

uint32_t url_user_judge(const char *scheme, const char *user, size_t len)
{
	uint32_t found = LINK_BIT(user_part);
	char text[URL_USER];
	bool hex = false;

	len = decode_host(user, len, text, sizeof(text), &hex);
	if (hex)
		found |= LINK_BIT(user_hex);
	/* FTP accounts are often called like mail addresses: user@domain@host. */
	if (strcmp(scheme, "ftp") == 0)
		return found;
	if (len > 4 && !strncasecmp(text, "www.", 4))
		return found | LINK_BIT(user_host);
	if (!memchr(text, '@', len) && has_top_label(text, len))
		found |= LINK_BIT(user_host);
	return found;
}

/*
 * An encoded "@" in the host: some programs take what stands before it as
 * the user part. Returns where the host proper begins.
 */
static size_t skip_encoded_user(const struct url *url, const char *host, size_t len,
				uint32_t *found)
{
	const char *at = memrchr(host, '@', len);

	if (!at)
		return 0;
	*found |= url_user_judge(url->scheme, host, (size_t)(at - host));
	return (size_t)(at - host) + 1;
}

/* Cut behind what can be a host: at the port, at what ends the authority. */
static size_t host_length(const char *host, size_t len)
{
	size_t at = 0;

	if (len && host[0] == '[') {
		const char *end = memchr(host, ']', len);

		return end ? (size_t)(end - host) + 1 : 0;
	}
	while (at < len) {
		unsigned char c = (unsigned char)host[at];

		if (!is_plain(c) && c < 0x80 && c >= 0x20)
			break;
		at++;
	}
	while (at && host[at - 1] == '.')
		at--;
	return at;
}

static bool has_control(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)s[i] < 0x20 || s[i] == 0x7f)
			return true;
	}
	return false;
}

/* Most hosts: plain lower-case letters, and not a number. Nothing to decode. */
static bool is_plain_host(const struct url *url)
{
	if (!url->host_len || !islower((unsigned char)url->host[0]) ||
	    url->host[url->host_len - 1] == '.')
		return false;
	for (size_t i = 0; i < url->host_len; i++) {
		if (!is_plain((unsigned char)url->host[i]) || isupper((unsigned char)url->host[i]))
			return false;
	}
	return true;
}

/* Fill @host the long way. Returns what it shows. */
static uint32_t read_host(const struct url *url, struct url_host *host)
{
	bool hex = false, mapped = false;
	uint32_t found = 0;
	size_t len, skip;

	len = decode_host(url->host, url->host_len, host->text, URL_HOST, &hex);
	skip = skip_encoded_user(url, host->text, len, &found);
	len -= skip;
	memmove(host->text, host->text + skip, len);
	len = host_map(host->text, len, &mapped);
	host->len = host_length(host->text, len);
	if (hex)
		found |= LINK_BIT(hex_host);
	if (mapped)
		found |= LINK_BIT(mapped_host);
	if (has_control(host->text, host->len))
		found |= LINK_BIT(control_host);
	return found | host_number_judge(host->text, host->len);
}

uint32_t url_judge(const struct url *url, struct url_host *host)
{
	uint32_t found = url->found;

	if (is_plain_host(url)) {
		host->len = url->host_len;
		memcpy(host->text, url->host, host->len);
	} else {
		found |= read_host(url, host);
	}
	if (!host->len)
		return 0;
	if (url->reference)
		found |= LINK_BIT(reference_host);
	if (url->backslash_at)
		found |= LINK_BIT(backslash_user);
	return found;
}

/* Copy up to the next "%". Returns the octets copied. */
static size_t put_plain(const char *in, size_t len, char *out)
{
	const char *mark = memchr(in, '%', len);

	len = mark ? (size_t)(mark - in) : len;
	memcpy(out, in, len);
	return len;
}

/* Path and query; never longer than they are encoded. */
static size_t put_rest(const struct url *url, char *out)
{
	size_t at = 0, made = 0, used;

	while (at < url->rest_len) {
		const char *in = url->rest + at;
		unsigned char c = octet_at(in, url->rest_len - at, &used);
		size_t n = 1;

		if (*in != '%')
			used = n = put_plain(in, url->rest_len - at, out + made);
		else if (used == 3 && !is_plain(c) && c != '~')
			memcpy(out + made, in, n = used);
		else
			out[made] = (char)c;
		made += n;
		at += used;
	}
	return made;
}

size_t url_text(const struct url *url, const struct url_host *host, char text[URL_TEXT])
{
	char *at = stpcpy(stpcpy(text, url->scheme), "://");

	at = mempcpy(at, host->text, host->len);
	at += put_rest(url, at);
	*at = '\0';
	return (size_t)(at - text);
}
