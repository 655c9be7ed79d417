// SPDX-License-Identifier: GPL-2.0
/*
 * /sys/kernel/debug/page_tables/PID: the tree of tables of a process.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tables.h"
#include "walk/tree.h"

#define ADDRESS	18	/* characters: 0x and 16 digits */

static const char *const names[] = { "pgd", "p4d", "pud", "pmd", "pte" };

const char *tree_lacks(void)
{
	char path[64];

	snprintf(path, sizeof(path), TREES "%d", getpid());
	return access(path, R_OK) ? "no " TREES "PID (CONFIG_PTDUMP_DEBUGFS)" : NULL;
}

/* All of a file, however long it is */
static char *read_file(const char *path, int *err)
{
	size_t len = 0, room = 1 << 16;
	char *text = malloc(room);
	ssize_t got = -1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	while (fd >= 0 && text) {
		got = read(fd, text + len, room - len - 1);
		if (got <= 0)
			break;
		len += got;
		if (room - len < 2) {
			room *= 2;
			text = realloc(text, room);
		}
	}
	*err = got < 0 ? -errno : 0;
	if (fd >= 0)
		close(fd);
	if (*err) {
		free(text);
		return NULL;
	}
	text[len] = 0;
	return text;
}

static bool parse_number(char **at, long *number)
{
	char *end;

	*at += strspn(*at, " ");
	if (!isdigit(**at))
		return false;
	*number = strtol(*at, &end, 10);
	*at = end;
	return true;
}

static bool parse_word(char **at, const char *word)
{
	*at += strspn(*at, " ");
	if (strncmp(*at, word, strlen(word)))
		return false;
	*at += strlen(word);
	return true;
}

static bool parse_level(char **at, enum tree_level *level)
{
	for (*level = 0; *level < TREE_LEVELS; (*level)++)
		if (parse_word(at, names[*level]))
			return true;
	return false;
}

/* A table; *column is where addresses are, all of them in the same place. */
static const char *parse_table(char *line, struct tree_table *table, size_t *column)
{
	char *at = line, *start;

	table->depth = strspn(line, " ");
	if (!parse_level(&at, &table->level))
		return "a line without a level";
	at += strspn(at, " ");
	start = at;
	table->start = strtoull(start, &at, 16);
	if (strncmp(start, "0x", 2) || at - start != ADDRESS)
		return "a start that has no 16 digits";
	if (!*column)
		*column = start - line;
	if (start - line != *column)
		return "a start that is not below the others";
	if (!parse_number(&at, &table->populated))
		return "a table without what is populated";
	table->refs = -1;
	if (!parse_word(&at, "-") && !parse_number(&at, &table->refs))
		return "a table without references";
	return *at ? "more in a line than there is to say" : NULL;
}

/* total pgd 1 p4d 0 pud 2 pmd 3 pte 12: 18 tables, 72 kB; 4321 of 6144 entries of pte ... */
static bool parse_total(char *at, struct tree *tree)
{
	enum tree_level level;

	if (!parse_word(&at, "total"))
		return false;
	for (level = 0; level < TREE_LEVELS; level++)
		if (!parse_word(&at, names[level]) || !parse_number(&at, &tree->total[level]))
			return false;
	return *at == ':' && at++ && parse_number(&at, &tree->sum) &&
	       parse_word(&at, "tables,") && parse_number(&at, &tree->kib) &&
	       parse_word(&at, "kB;") && parse_number(&at, &tree->populated) &&
	       parse_word(&at, "of") && parse_number(&at, &tree->entries) &&
	       !strcmp(at, " entries of pte tables populated");
}

static bool parse_header(char *at)
{
	return parse_word(&at, "level") && parse_word(&at, "start") &&
	       parse_word(&at, "populated") && parse_word(&at, "refs") && !*at;
}

static size_t count_lines(const char *text)
{
	size_t lines = 0;

	for (; *text; text++)
		lines += *text == '\n';
	return lines;
}

/* The text is cut into lines. */
static const char *parse(char *text, struct tree *tree)
{
	static char bad[200];
	size_t i, lines = count_lines(text), column = 0;
	char *line = text, *end;

	tree->tables = calloc(lines + 1, sizeof(*tree->tables));
	if (!tree->tables)
		return "no memory";
	for (i = 0; i < lines; i++, line = end + 1) {
		const char *how = NULL;

		end = strchr(line, '\n');
		*end = 0;
		if (!i)
			how = parse_header(line) ? NULL : "not the header";
		else if (i < lines - 1)
			how = parse_table(line, &tree->tables[tree->count++], &column);
		else
			how = parse_total(line, tree) ? NULL : "not the totals";
		if (how) {
			snprintf(bad, sizeof(bad), "line %zu, %s: \"%.100s\"", i + 1, how, line);
			return bad;
		}
	}
	if (lines < 3 || *line)
		return "no whole lines, or too few of them";
	return NULL;
}

int tree_read(struct tree *tree, pid_t pid, const char **how)
{
	char path[64], *text;
	int err;

	memset(tree, 0, sizeof(*tree));
	*how = NULL;
	snprintf(path, sizeof(path), TREES "%d", pid);
	text = read_file(path, &err);
	if (!text)
		return err ? err : -ENOMEM;
	*how = parse(text, tree);
	free(text);
	if (!*how)
		return 0;
	tree_free(tree);
	return -EBADMSG;
}

void tree_free(struct tree *tree)
{
	free(tree->tables);
	tree->tables = NULL;
	tree->count = 0;
}

uint64_t tree_span(enum tree_level level)
{
	static const uint64_t spans[] = {
		[TREE_PGD] = ~0ULL,
		[TREE_P4D] = 512 * PUD_TABLE_SPAN,
		[TREE_PUD] = PUD_TABLE_SPAN,
		[TREE_PMD] = PMD_TABLE_SPAN,
		[TREE_PTE] = TABLE_SPAN,
	};

	return spans[level];
}

static bool holds(const struct tree_table *table, uint64_t addr)
{
	return addr - table->start < tree_span(table->level);
}

/* Below the one before it, beside it, or beside one above that */
static const char *contradicts_order(const struct tree_table *before,
				     const struct tree_table *table)
{
	static char text[200];
	const char *how = NULL;

	if (table->start & (tree_span(table->level) - 1))
		how = "is not aligned";
	else if (table->depth > before->depth + 1)
		how = "is too deep";
	else if (table->level <= before->level && table->start <= before->start)
		how = "is not in order";
	else if (table->level > before->level && !holds(before, table->start))
		how = "is below one that does not map it";
	else if ((table->level > before->level) != (table->depth > before->depth))
		how = "is not indented by its level";
	if (!how)
		return NULL;
	snprintf(text, sizeof(text), "the %s at %#llx %s, after the %s at %#llx",
		 names[table->level], (unsigned long long)table->start, how,
		 names[before->level], (unsigned long long)before->start);
	return text;
}

const char *tree_contradicts(const struct tree *tree)
{
	long total[TREE_LEVELS] = {}, populated = 0;
	const char *how;
	size_t i;

	if (tree->tables[0].level != TREE_PGD || tree->tables[0].depth || tree->tables[0].start)
		return "it does not begin with a pgd";
	for (i = 0; i < tree->count; i++) {
		const struct tree_table *table = &tree->tables[i];
		const bool is_pte = table->level == TREE_PTE, has_refs = table->refs >= 0;

		total[table->level]++;
		if (table->populated < 0 || table->populated > ENTRIES)
			return "more entries are populated than there are";
		if (has_refs != is_pte)
			return "it is pte tables, and they alone, that have references";
		if (is_pte)
			populated += table->populated;
		how = i ? contradicts_order(table - 1, table) : NULL;
		if (how)
			return how;
	}
	if (memcmp(total, tree->total, sizeof(total)))
		return "the totals of levels are not the number of lines";
	if (tree->sum != (long)tree->count || tree->kib != 4 * tree->sum)
		return "the total of tables is not the number of lines";
	if (tree->populated != populated || tree->entries != ENTRIES * total[TREE_PTE])
		return "the total of entries is not the sum of lines";
	return NULL;
}

const struct tree_table *tree_find(const struct tree *tree, enum tree_level level, const void *addr)
{
	size_t i;

	for (i = 0; i < tree->count; i++)
		if (tree->tables[i].level == level && holds(&tree->tables[i], (uintptr_t)addr))
			return &tree->tables[i];
	return NULL;
}

long tree_children(const struct tree *tree, const struct tree_table *table)
{
	const struct tree_table *end = tree->tables + tree->count, *other;
	long children = 0;

	for (other = table + 1; other < end && other->depth > table->depth; other++)
		children += other->depth == table->depth + 1;
	return children;
}
