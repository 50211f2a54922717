// SPDX-License-Identifier: GPL-2.0
/* Addresses and prefixes. Pure; any thread. */
#include "base/addr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const __u8 v4_mapped[12] = { [10] = 0xff, [11] = 0xff };

bool addr_is_v4(const struct postern_addr *a)
{
	return memcmp(a->octet, v4_mapped, sizeof(v4_mapped)) == 0;
}

bool addr_equal(const struct postern_addr *a, const struct postern_addr *b)
{
	return memcmp(a->octet, b->octet, sizeof(a->octet)) == 0;
}

int addr_parse(const char *text, struct postern_addr *out)
{
	if (inet_pton(AF_INET, text, out->octet + 12) == 1) {
		memcpy(out->octet, v4_mapped, sizeof(v4_mapped));
		return 0;
	}
	return inet_pton(AF_INET6, text, out->octet) == 1 ? 0 : -EINVAL;
}

/* Digits only: strtoul would take signs and blanks. */
static int bits_parse(const char *text, unsigned int most, unsigned int *bits)
{
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 3 || text[digits])
		return -EINVAL;
	*bits = (unsigned int)strtoul(text, NULL, 10);
	return *bits <= most ? 0 : -ERANGE;
}

int prefix_parse(const char *text, struct postern_prefix *out)
{
	const char *slash = strchr(text, '/');
	char host[INET6_ADDRSTRLEN];
	struct postern_addr masked;
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	unsigned int most, bits;
	int err;

	if (len >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, len);
	host[len] = '\0';
	if (addr_parse(host, &out->addr))
		return -EINVAL;
	most = strchr(host, ':') ? 128 : 32;
	bits = most;
	err = slash ? bits_parse(slash + 1, most, &bits) : 0;
	if (err)
		return err;
	out->prefix_len = bits + 128 - most;
	masked = out->addr;
	addr_mask(&masked, out->prefix_len);
	return addr_equal(&masked, &out->addr) ? 0 : -EDOM;
}

const char *prefix_error(int err)
{
	switch (err) {
	case -ERANGE:
		return "prefix length out of range (IPv4 0 to 32, IPv6 0 to 128)";
	case -EDOM:
		return "bits are set behind the prefix length";
	default:
		return "expected an address or a prefix such as 10.64.0.0/16 or 2001:db8:64::/48";
	}
}

const char *addr_text(const struct postern_addr *a, char *buf)
{
	if (addr_is_v4(a))
		inet_ntop(AF_INET, a->octet + 12, buf, ADDR_TEXT);
	else
		inet_ntop(AF_INET6, a->octet, buf, ADDR_TEXT);
	return buf;
}

const char *prefix_text(const struct postern_prefix *p, char *buf)
{
	unsigned int skip = addr_is_v4(&p->addr) && p->prefix_len >= 96 ? 96 : 0;
	size_t len;

	addr_text(&p->addr, buf);
	if (p->prefix_len == 128)
		return buf;
	len = strlen(buf);
	snprintf(buf + len, ADDR_TEXT - len, "/%u", p->prefix_len - skip);
	return buf;
}

void addr_mask(struct postern_addr *a, unsigned int bits)
{
	for (unsigned int i = 0; i < 16; i++) {
		unsigned int keep = bits > i * 8 ? bits - i * 8 : 0;

		if (keep < 8)
			a->octet[i] &= (__u8)(0xff00 >> keep);
	}
}

bool prefix_holds(const struct postern_prefix *p, const struct postern_addr *a)
{
	struct postern_addr masked = *a;

	addr_mask(&masked, p->prefix_len);
	return addr_equal(&masked, &p->addr);
}

int addr_from_sockaddr(const struct sockaddr *sa, struct postern_addr *a, unsigned int *port)
{
	const struct sockaddr_in6 *in6 = (const void *)sa;
	const struct sockaddr_in *in = (const void *)sa;

	switch (sa->sa_family) {
	case AF_INET:
		memcpy(a->octet, v4_mapped, sizeof(v4_mapped));
		memcpy(a->octet + 12, &in->sin_addr, 4);
		if (port)
			*port = ntohs(in->sin_port);
		return 0;
	case AF_INET6:
		memcpy(a->octet, &in6->sin6_addr, 16);
		if (port)
			*port = ntohs(in6->sin6_port);
		return 0;
	default:
		return -EAFNOSUPPORT;
	}
}

socklen_t addr_to_sockaddr(const struct postern_addr *a, unsigned int port,
			   struct sockaddr_storage *out)
{
	struct sockaddr_in6 *in6 = (void *)out;
	struct sockaddr_in *in = (void *)out;

	memset(out, 0, sizeof(*out));
	if (addr_is_v4(a)) {
		in->sin_family = AF_INET;
		in->sin_port = htons((uint16_t)port);
		memcpy(&in->sin_addr, a->octet + 12, 4);
		return sizeof(*in);
	}
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons((uint16_t)port);
	memcpy(&in6->sin6_addr, a->octet, 16);
	return sizeof(*in6);
}
