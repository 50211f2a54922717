// SPDX-License-Identifier: GPL-2.0
/* Our own replies: rows of tbl/replies.h with ticket and help page (section 10). */
#include <stdio.h>

#include "smtp/engine.h"

#define REPLY(name, code, enhanced, text) [SMTP_REPLY_##name] = { code, enhanced, text },
static const struct {
	unsigned int	code;
	const char	*enhanced;
	const char	*text;
} rows[] = {
#include "tbl/replies.h"
};
#undef REPLY

const char *smtp_reply_text(enum smtp_reply reply, unsigned int *code, const char **enhanced)
{
	*code = rows[reply].code;
	*enhanced = rows[reply].enhanced;
	return rows[reply].text;
}

unsigned int smtp_local_code(const struct smtp *s, enum smtp_reply reply)
{
	if (reply == SMTP_REPLY_auth_refused)
		return (unsigned int)s->env->class->auth_code;
	if (s->chunk_code && (reply == SMTP_REPLY_chunk_later || reply == SMTP_REPLY_chunk_refused))
		return s->chunk_code;
	return rows[reply].code;
}

/* Settings are the operator's; a line end in one must not become a second reply. */
static void flatten(char *line)
{
	for (; *line; line++)
		if ((unsigned char)*line < ' ' || *line == 0x7f)
			*line = '?';
}

unsigned int smtp_local_put(const struct smtp *s, struct smtp_out *out, enum smtp_reply reply)
{
	const struct conf_class *class = s->env->class;
	unsigned int code = smtp_local_code(s, reply);
	const char *text = rows[reply].text;
	const char *url = code >= 500 ? class->help_url : "";
	char line[SMTP_LOCAL_ROOM - 1];

	if (reply == SMTP_REPLY_auth_refused)
		text = class->auth_text;
	/* The longest texts that the configuration takes fit (200 octets each). */
	snprintf(line, sizeof(line), "%u %s %.200s [%.64s]%s%.200s", code, rows[reply].enhanced,
		 text, s->env->ticket, *url ? " " : "", url);
	flatten(line);
	smtp_put(out, line, strlen(line));
	smtp_put(out, "\r\n", 2);
	return code;
}
