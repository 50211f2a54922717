// SPDX-License-Identifier: GPL-2.0
/* The model's reading of MAIL, RCPT and EHLO: E2, E3, E4, E27, E31, E40, E41. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "model.h"

/* What surely is a path: <>, or <...> with nothing that needs thought. */
static const char *sure_path(const char *at)
{
	if (*at++ != '<')
		return NULL;
	while (*at && !strchr("<>\"\\ \t,:()[];", *at) && (unsigned char)*at > ' ')
		at++;
	return *at == '>' ? at + 1 : NULL;
}

static enum model_sure parameter(const char *word, size_t len, uint64_t *size, bool *binary)
{
	char *end;
	size_t i;

	if (!len)
		return MODEL_UNSURE;
	for (i = 0; i < len; i++)
		if ((unsigned char)word[i] <= ' ' || word[i] == 127)
			return MODEL_UNSURE;
	*binary |= len == 15 && !strncasecmp(word, "BODY=BINARYMIME", len);
	if (strncasecmp(word, "SIZE=", 5))
		return MODEL_SURE;
	if (*size || len == 5 || strspn(word + 5, "0123456789") != len - 5)
		return MODEL_UNSURE;
	*size = strtoull(word + 5, &end, 10);
	return MODEL_SURE;
}

enum model_sure model_path(const char *args, const char *word, uint64_t *size, bool *binary)
{
	size_t n = strlen(word), len;
	const char *at = args;

	*size = 0;
	*binary = false;
	if (strncasecmp(at, word, n))
		return strcasestr(at, word) ? MODEL_UNSURE : MODEL_WRONG;
	at = at[n] == ':' ? sure_path(at + n + 1 + (at[n + 1] == ' ')) : NULL;
	if (!at)
		return MODEL_UNSURE;
	while (*at) {
		if (*at++ != ' ')
			return MODEL_UNSURE;
		len = strcspn(at, " \t");
		if (parameter(at, len, size, binary) != MODEL_SURE)
			return MODEL_UNSURE;
		at += len;
	}
	return MODEL_SURE;
}

static bool on_list(const struct conf_class *class, const char *key)
{
	static const char *const always[] = {
		"SIZE", "8BITMIME", "PIPELINING", "ENHANCEDSTATUSCODES", "DSN", "SMTPUTF8", "HELP",
		"DELIVERBY", "MT-PRIORITY", "FUTURERELEASE", "RRVS", "NO-SOLICITING", "LIMITS",
	};
	size_t i;

	for (i = 0; i < sizeof(always) / sizeof(always[0]); i++)
		if (!strcasecmp(key, always[i]))
			return true;
	if (!strcasecmp(key, "CHUNKING"))
		return class->chunking == CONF_CHUNKING_PASS;
	if (!strcasecmp(key, "AUTH"))
		return class->auth == CONF_AUTH_PASS;
	if (!strcasecmp(key, "REQUIRETLS"))
		return class->starttls == CONF_STARTTLS_PASS;
	return !strcasecmp(key, "STARTTLS") &&
	       (class->starttls == CONF_STARTTLS_PASS ||
		(class->starttls == CONF_STARTTLS_REFUSE && class->starttls_offer));
}

/* The size that is offered, as text; false when its line is not plain. */
static bool own_size(const struct conf_class *class, char *line, size_t *len)
{
	unsigned long long theirs = 0;
	char *end;

	if (!class->max_size)
		return true;
	if (*len > 8 && line[8] == ' ') {
		if (line[9] < '0' || line[9] > '9' || *len > 27)
			return false;
		theirs = strtoull(line + 9, &end, 10);
		if (end != line + *len)
			return false;
	} else if (*len != 8) {
		return false;
	}
	if (!theirs || theirs > (uint64_t)class->max_size)
		*len = 8 + (size_t)sprintf(line + 8, " %llu",
					   (unsigned long long)class->max_size);
	return true;
}

/* One line without its end; false when the cases do not say what becomes of it. */
static bool keyword(const struct conf_class *class, char *line, size_t *len, bool *keep,
		    bool *pipelining, bool *chunking)
{
	char key[64];
	size_t n, i;

	*keep = true;
	n = strcspn(line + 4, " \t=");
	for (i = 4; i < *len; i++)
		if ((unsigned char)line[i] < ' ' || line[i] == 127)
			return false;
	if (n >= sizeof(key) || (line[4 + n] == '=' && strncasecmp(line + 4, "AUTH", 4)))
		return false;
	memcpy(key, line + 4, n);
	key[n] = '\0';
	*keep = n && on_list(class, key);
	*pipelining |= *keep && !strcasecmp(key, "PIPELINING");
	*chunking |= *keep && !strcasecmp(key, "CHUNKING");
	return strcasecmp(key, "SIZE") || own_size(class, line, len);
}

bool model_ehlo(const struct conf_class *class, const struct bytes *lines, struct bytes *out,
		bool *pipelining, bool *chunking)
{
	const char *at = lines->data, *end = lines->data + lines->len, *next;
	char line[4096 + 64];
	size_t last = 0, len;
	bool keep;

	for (; at < end; at = next + 2) {
		next = memmem(at, (size_t)(end - at), "\r\n", 2);
		len = (size_t)(next - at);
		memcpy(line, at, len);
		line[len] = '\0';
		keep = at == lines->data;	/* a line of no word is none of the list's */
		if (at != lines->data && len > 3 &&
		    !keyword(class, line, &len, &keep, pipelining, chunking))
			return false;
		if (!keep)
			continue;
		last = out->len;
		if (len > 3)
			line[3] = '-';
		memcpy(line + len, "\r\n", 2);
		bytes_add(out, line, len + 2);
	}
	if (out->data[last + 3] == '-')
		out->data[last + 3] = ' ';
	return true;
}
