// SPDX-License-Identifier: GPL-2.0
/*
 * The streaming MIME reader: lines, boundaries, fields. What a field says is
 * read in mime_field.c. Runs in the thread that owns the scan.
 */
#include <string.h>

#include "verdict/mime.h"
#include "verdict/mime_field.h"

static size_t least(size_t a, size_t b)
{
	return a < b ? a : b;
}

static void text_out(struct mime *m, const char *data, size_t len, bool decoded)
{
	struct mime_text text = {
		.data = data, .len = len, .decoded = decoded, .html = m->part.html,
	};

	if (len)
		m->ops->text(m->owner, &text);
}

static void block_out(struct mime *m)
{
	text_out(m, m->block, m->block_len, true);
	m->block_len = 0;
}

/* Octets of the current part's content. */
static void content_out(struct mime *m, const char *data, size_t len)
{
	size_t taken;

	if (m->part.skip)
		return;
	if (m->decode.kind == DECODE_NONE) {
		text_out(m, data, len, false);
		return;
	}
	while (len) {
		if (sizeof(m->block) - m->block_len < 4 * DECODE_BURST)
			block_out(m);
		taken = len;
		m->block_len += decode_run(&m->decode, data, &taken, m->block + m->block_len,
					   sizeof(m->block) - m->block_len);
		data += taken;
		len -= taken;
	}
}

static void part_begin(struct mime *m, enum mime_state state)
{
	m->part = (struct mime_part){ 0 };
	decode_init(&m->decode, DECODE_NONE);
	m->state = state;
	m->field_len = 0;
	m->line_len = 0;
	m->line_start = true;
	m->line_held = false;
	m->line_field = false;
}

static void part_end(struct mime *m)
{
	block_out(m);
	m->ops->part(m->owner);
}

/* The part's fields are over: what follows? */
static void fields_end(struct mime *m)
{
	struct mime_part *part = &m->part;

	m->body = true;
	if (part->message && part->encoding == DECODE_NONE) {
		part_begin(m, MIME_FIELDS);
		return;
	}
	if (part->boundary_len && m->depth == MIME_DEPTH) {
		m->cut = true;
	} else if (part->boundary_len) {
		struct mime_level *level = &m->level[m->depth++];

		memcpy(level->boundary, part->boundary, part->boundary_len);
		level->len = part->boundary_len;
	}
	decode_init(&m->decode, part->encoding);
	m->state = MIME_CONTENT;
	m->line_len = 0;
	m->line_start = true;
	m->line_held = false;
}

/*
 * Is the held line a boundary? Returns the number of levels that stay open
 * behind it, or -1. @close tells the last boundary of a multipart.
 */
static int boundary_find(const struct mime *m, bool *close)
{
	const char *text = m->line + 2;
	size_t len = m->line_len;

	while (len && line_blank_octet(m->line[len - 1]))
		len--;
	if (len < 2 || memcmp(m->line, "--", 2) != 0)
		return -1;
	len -= 2;
	for (size_t i = m->depth; i-- > 0;) {
		const struct mime_level *level = &m->level[i];

		if (len < level->len || memcmp(text, level->boundary, level->len) != 0)
			continue;
		*close = len > level->len;
		if (!*close)
			return (int)i + 1;
		if (len >= level->len + 2 && !memcmp(text + level->len, "--", 2))
			return (int)i;
	}
	return -1;
}

/* If the held line is a boundary, end the part and begin the next. */
static bool boundary_take(struct mime *m)
{
	bool close;
	int depth = boundary_find(m, &close);

	if (depth < 0)
		return false;
	part_end(m);
	m->depth = (size_t)depth;
	part_begin(m, close ? MIME_CONTENT : MIME_FIELDS);
	return true;
}

/* Hold as much as there is room for. Returns the octets held. */
static size_t line_hold(struct mime *m, const char *data, size_t len)
{
	len = least(len, sizeof(m->line) - m->line_len);
	memcpy(m->line + m->line_len, data, len);
	m->line_len += len;
	return len;
}

/* The held line is plain content. */
static void line_out(struct mime *m)
{
	content_out(m, m->line, m->line_len);
	m->line_held = false;
	m->line_len = 0;
}

/* Octets of a line that may become a boundary. Returns the octets taken. */
static size_t content_held(struct mime *m, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t taken;

	taken = line_hold(m, data, end ? (size_t)(end - data) + 1 : len);
	m->line_start = end && data + taken == end + 1;
	if (m->line_start && boundary_take(m))
		return taken;
	if (m->line_start || m->line_len == sizeof(m->line) ||
	    (m->line_len >= 2 && m->line[1] != '-'))
		line_out(m);
	return taken;
}

/* Length of the run of lines none of which can be a boundary. */
static size_t content_run(struct mime *m, const char *data, size_t len)
{
	const char *at = data, *end = data + len;

	if (m->line_start && *at == '-')
		return 0;
	do {
		at = memchr(at, '\n', (size_t)(end - at));
		m->line_start = at;
		at = at ? at + 1 : end;
	} while (at < end && *at != '-');
	return (size_t)(at - data);
}

/* Returns the octets taken; fewer than @len when the state changed. */
static size_t content_take(struct mime *m, const char *data, size_t len)
{
	size_t at = 0, run;

	if (!m->depth) {
		content_out(m, data, len);
		return len;
	}
	while (at < len && m->state == MIME_CONTENT) {
		if (m->line_held) {
			at += content_held(m, data + at, len - at);
			continue;
		}
		run = content_run(m, data + at, len - at);
		content_out(m, data + at, run);
		at += run;
		m->line_held = at < len;
	}
	return at;
}

/* The held line is no field: the fields end in front of it (fields_replay()). */
static void fields_broken(struct mime *m)
{
	size_t len = m->line_len;

	fields_end(m);
	m->replay_len = len;
	m->line_start = line_is_ended(m->line, len);
}

/* Hand on the line that ended the fields by being none; it is still in `line`. */
static void fields_replay(struct mime *m, bool own)
{
	size_t len = m->replay_len;

	m->replay_len = 0;
	if (own && len)
		m->ops->body(m->owner, m->line, len);
	content_out(m, m->line, len);
}

/* Room is used up, or the line is whole: what is it? */
static void fields_line(struct mime *m)
{
	bool ended = line_is_ended(m->line, m->line_len);

	if (ended && line_is_blank(m->line, m->line_len)) {
		mime_field_read(m);
		fields_end(m);
	} else if (ended && boundary_take(m)) {
		return;
	} else if (!line_is_field(m->line, m->line_len)) {
		fields_broken(m);
	} else {
		m->line_field = !ended;
		m->line_start = ended;
		m->line_len = 0;
	}
}

static void field_keep(struct mime *m, const char *data, size_t len)
{
	len = least(len, sizeof(m->field) - m->field_len);
	memcpy(m->field + m->field_len, data, len);
	m->field_len += len;
}

/* One line or a piece of it. Returns the octets taken. */
static size_t fields_piece(struct mime *m, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t taken = end ? (size_t)(end - data) + 1 : len;

	if (m->line_start && !line_blank_octet(*data)) {
		mime_field_read(m);
		m->field_len = 0;
	}
	m->line_start = false;
	if (m->line_field) {
		field_keep(m, data, taken);
		m->line_field = !end;
		m->line_start = end;
		return taken;
	}
	taken = line_hold(m, data, taken);
	field_keep(m, data, taken);
	if (m->line_len == sizeof(m->line) || data[taken - 1] == '\n')
		fields_line(m);
	return taken;
}

/* Returns the octets taken; fewer than @len when the fields ended. */
static size_t fields_take(struct mime *m, const char *data, size_t len)
{
	bool own = !m->body;
	size_t at = 0;

	while (at < len && m->state == MIME_FIELDS && own == !m->body && !m->replay_len)
		at += fields_piece(m, data + at, len - at);
	return at;
}

/* The message's own header is over. */
static void header_end(struct mime *m)
{
	m->ops->part(m->owner);
	fields_replay(m, true);
}

/* The message's own header. Returns the octets taken. */
static size_t header_take(struct mime *m, const char *data, size_t len)
{
	size_t taken = fields_take(m, data, len);

	m->ops->header(m->owner, data, taken);
	if (m->body)
		header_end(m);
	return taken;
}

void mime_init(struct mime *m, const struct mime_ops *ops, void *owner)
{
	m->ops = ops;
	m->owner = owner;
	m->body = false;
	m->cut = false;
	m->depth = 0;
	m->block_len = 0;
	m->replay_len = 0;
	part_begin(m, MIME_FIELDS);
}

void mime_feed(struct mime *m, const char *data, size_t len)
{
	size_t at = 0;

	if (!m->body && len)
		at = header_take(m, data, len);
	if (at < len)
		m->ops->body(m->owner, data + at, len - at);
	while (at < len) {
		if (m->state == MIME_CONTENT) {
			at += content_take(m, data + at, len - at);
			continue;
		}
		at += fields_take(m, data + at, len - at);
		fields_replay(m, false);
	}
}

void mime_end(struct mime *m)
{
	bool own = !m->body;

	if (m->state == MIME_CONTENT && m->line_held)
		line_out(m);
	if (m->state == MIME_FIELDS && m->line_len)
		fields_line(m);
	if (own && m->body)
		header_end(m);
	else
		fields_replay(m, false);
	part_end(m);
}
