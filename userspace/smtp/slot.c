// SPDX-License-Identifier: GPL-2.0
/*
 * The queue of replies: every command takes a slot, the exchanger or we answer
 * it, and replies leave in the queue's order.
 * Arguments that are of use only once the command was answered wait in a ring
 * beside it. Both are bounded; while one is full the client waits.
 */
#include "smtp/engine.h"

#define VERB(word, ask, answer, modes, flags) [SMTP_VERB_##word] = (flags),
#define HOLD SMTP_VERB_IS_HOLD
#define TEXT SMTP_VERB_IS_TEXT
#define JUNK SMTP_VERB_IS_JUNK
#define APART SMTP_VERB_IS_APART
static const uint8_t verb_flags[] = {
#include "tbl/verbs.h"
};
#undef VERB
#undef HOLD
#undef TEXT
#undef JUNK
#undef APART

unsigned int smtp_verb_flags(enum smtp_verb verb)
{
	return verb_flags[verb];
}

struct smtp_slot *smtp_slot_first(struct smtp *s)
{
	return s->count ? &s->slots[s->first] : NULL;
}

bool smtp_slot_free(const struct smtp *s)
{
	/* One is kept for the reply that ends the session. */
	return s->count < SMTP_SLOTS - 1 &&
	       SMTP_TEXTS - s->text_used >= FACTS_PATH + 2;
}

static void text_put(struct smtp *s, char c)
{
	s->texts[(s->text_first + s->text_used) % SMTP_TEXTS] = c;
	s->text_used++;
}

static char text_get(struct smtp *s)
{
	char c = s->texts[s->text_first];

	s->text_first = (uint16_t)((s->text_first + 1) % SMTP_TEXTS);
	s->text_used--;
	return c;
}

static void text_push(struct smtp *s, struct smtp_text text)
{
	size_t len = text.len < FACTS_PATH - 1 ? text.len : FACTS_PATH - 1;
	size_t i;

	text_put(s, (char)(len >> 8));
	text_put(s, (char)(len & 0xff));
	for (i = 0; i < len; i++)
		text_put(s, text.data[i]);
}

static size_t text_pop(struct smtp *s, char *buf)
{
	size_t len = (size_t)(unsigned char)text_get(s) << 8;
	size_t i;

	len |= (unsigned char)text_get(s);
	for (i = 0; i < len; i++)
		buf[i] = text_get(s);
	return len;
}

static void slot_push(struct smtp *s, struct smtp_slot slot, struct smtp_text text)
{
	if (!s->count)
		s->moved = true;	/* the wait for an answer starts */
	s->slots[(s->first + s->count) % SMTP_SLOTS] = slot;
	s->count++;
	if (smtp_verb_flags(slot.verb) & SMTP_VERB_IS_TEXT)
		text_push(s, text);
}

void smtp_slot_owe(struct smtp *s, enum smtp_verb verb, struct smtp_text text)
{
	if (verb != SMTP_VERB_greeting_)
		s->owed++;
	slot_push(s, (struct smtp_slot) { .verb = (uint8_t)verb }, text);
}

void smtp_slot_local(struct smtp *s, enum smtp_verb verb, enum smtp_reply reply,
		     struct smtp_text text, bool close)
{
	slot_push(s, (struct smtp_slot) {
		.verb = (uint8_t)verb,
		.local = true,
		.reply = (uint8_t)reply,
		.close = close,
	}, text);
}

size_t smtp_slot_pop(struct smtp *s, struct smtp_slot *slot, char *buf)
{
	*slot = s->slots[s->first];
	s->first = (uint8_t)((s->first + 1) % SMTP_SLOTS);
	s->count--;
	s->moved = true;
	if (!slot->local && slot->verb != SMTP_VERB_greeting_)
		s->owed--;
	if (smtp_verb_flags(slot->verb) & SMTP_VERB_IS_TEXT)
		return text_pop(s, buf);
	return 0;
}

void smtp_slot_cut(struct smtp *s)
{
	uint8_t n;

	for (n = 0; n < s->count; n++) {
		const struct smtp_slot *slot = &s->slots[(s->first + n) % SMTP_SLOTS];

		/* None with an argument comes first where something is still to be said. */
		if (!slot->local || smtp_verb_flags(slot->verb) & SMTP_VERB_IS_TEXT)
			break;
	}
	smtp_slot_clear(s);
	s->count = n;
}

void smtp_slot_clear(struct smtp *s)
{
	s->count = 0;
	s->owed = 0;
	s->text_used = 0;
}
