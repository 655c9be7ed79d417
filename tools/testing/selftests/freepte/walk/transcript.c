// SPDX-License-Identifier: GPL-2.0
/*
 * What was read, step by step, to be compared byte for byte.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "walk/transcript.h"

/* Of address space; memory comes as it is needed. */
#define ROOM	(256UL << 20)

/* Followed by the words with a 0 behind them, and by the result */
struct head {
	uint32_t words;
	uint32_t result;
};

struct transcript *transcript_make(void)
{
	struct transcript *transcript = mmap(NULL, ROOM, PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return transcript == MAP_FAILED ? NULL : transcript;
}

void transcript_drop(struct transcript *transcript)
{
	if (transcript)
		munmap(transcript, ROOM);
}

void transcript_clear(struct transcript *transcript)
{
	transcript->len = 0;
	transcript->is_full = false;
}

void note(struct transcript *to, const void *result, size_t len, const char *format, ...)
{
	char *at = to->notes + to->len;
	const size_t room = ROOM - sizeof(*to) - to->len;
	struct head head = { .result = len };
	char words[256];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	head.words = strlen(words) + 1;
	if (to->is_full || sizeof(head) + head.words + len > room) {
		to->is_full = true;
		return;
	}
	memcpy(at, &head, sizeof(head));
	memcpy(at + sizeof(head), words, head.words);
	memcpy(at + sizeof(head) + head.words, result, len);
	to->len += sizeof(head) + head.words + len;
}

void note_number(struct transcript *to, int64_t number, const char *what)
{
	note(to, &number, sizeof(number), "%s", what);
}

void note_returned(struct transcript *to, long ret, const char *what)
{
	note_number(to, ret < 0 ? -errno : ret, what);
}

struct reading {
	struct head head;
	const char *words;
	const char *result;
	size_t next;
};

static bool read_note(const struct transcript *from, struct reading *reading)
{
	const char *at = from->notes + reading->next;

	if (reading->next >= from->len)
		return false;
	memcpy(&reading->head, at, sizeof(reading->head));
	reading->words = at + sizeof(reading->head);
	reading->result = reading->words + reading->head.words;
	reading->next += sizeof(reading->head) + reading->head.words + reading->head.result;
	return true;
}

/* A line of text, or eight bytes */
static void show(char *to, size_t size, const struct reading *reading, size_t at)
{
	const char *result = reading->result;
	const size_t len = reading->head.result;
	size_t start = at, end = at;
	uint64_t word = 0;

	if (at >= len) {
		snprintf(to, size, "the end");
		return;
	}
	while (start && (isprint(result[start - 1]) || result[start - 1] == '\t'))
		start--;
	while (end < len && (isprint(result[end]) || result[end] == '\t'))
		end++;
	if (end - start > 8) {
		snprintf(to, size, "\"%.*s\"", (int)(end - start), result + start);
		return;
	}
	at &= ~7UL;
	memcpy(&word, result + at, len - at < 8 ? len - at : 8);
	snprintf(to, size, "%#llx", (unsigned long long)word);
}

static const char *differ(const struct reading *a, const struct reading *b)
{
	static char text[1024];
	char line_a[256], line_b[256];
	size_t at = 0;

	while (at < a->head.result && at < b->head.result && a->result[at] == b->result[at])
		at++;
	show(line_a, sizeof(line_a), a, at);
	show(line_b, sizeof(line_b), b, at);
	snprintf(text, sizeof(text), "%s: byte %zu of %u and %u: %s and %s", a->words, at,
		 a->head.result, b->head.result, line_a, line_b);
	return text;
}

static const char *other_words(const char *a, const char *b)
{
	static char text[600];

	snprintf(text, sizeof(text), "\"%s\" and \"%s\"", a, b);
	return text;
}

const char *transcripts_differ(const struct transcript *a, const struct transcript *b)
{
	struct reading from_a = { .next = 0 }, from_b = { .next = 0 };

	if (a->is_full || b->is_full)
		return "what was read is more than there is room for";
	for (;;) {
		const bool more_a = read_note(a, &from_a), more_b = read_note(b, &from_b);

		if (!more_a && !more_b)
			return a->len ? NULL : "nothing was read";
		if (!more_a || !more_b)
			return other_words(more_a ? from_a.words : "the end",
					   more_b ? from_b.words : "the end");
		if (strcmp(from_a.words, from_b.words))
			return other_words(from_a.words, from_b.words);
		if (from_a.head.result != from_b.head.result ||
		    memcmp(from_a.result, from_b.result, from_a.head.result))
			return differ(&from_a, &from_b);
	}
}
