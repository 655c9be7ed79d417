// SPDX-License-Identifier: GPL-2.0
/*
 * Tables whose pages were merged with others by KSM, which replaces entries.
 */
#include "harness.h"

#include "account.h"
#include "files.h"
#include "tables.h"

#define KSM	"/sys/kernel/mm/ksm/"

#define TABLES	8
#define SIZE	(TABLES * TABLE_SPAN)
#define STEP	(TABLE_SPAN / 4)
#define PAGES	((long)(SIZE / STEP))

static const char *const knobs[] = { "run", "pages_to_scan", "sleep_millisecs" };

FIXTURE(ksm)
{
	char found[ARRAY_SIZE(knobs)][32];
	char *area;
};

static int ksm_write(const char *name, const char *text)
{
	char path[64];

	snprintf(path, sizeof(path), KSM "%s", name);
	return file_write(path, text);
}

/* Pages of this process that are merged */
static long merged(void)
{
	char text[512];
	char *line;

	if (file_read("/proc/self/ksm_stat", text, sizeof(text)))
		return -1;
	line = strstr(text, "ksm_merging_pages ");
	return line ? strtol(line + strlen("ksm_merging_pages "), NULL, 10) : -1;
}

FIXTURE_SETUP(ksm)
{
	struct deadline deadline;
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++) {
		char path[64];

		snprintf(path, sizeof(path), KSM "%s", knobs[i]);
		if (file_read(path, self->found[i], sizeof(self->found[i])))
			SKIP(return, "no KSM (CONFIG_KSM)");
	}
	self->area = arena(SIZE);
	ASSERT_NE(NULL, self->area);
	ASSERT_NE(NULL, map_anon(self->area, SIZE));
	account_open(&own_account, 0);
	for (i = 0; i < PAGES; i++)
		memset(self->area + i * STEP, 'k', PAGE);
	ASSERT_TABLES_GREW(TABLES);
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_MERGEABLE));
	ASSERT_EQ(0, ksm_write("sleep_millisecs", "10"));
	ASSERT_EQ(0, ksm_write("pages_to_scan", "1000"));
	ASSERT_EQ(0, ksm_write("run", "1"));
	deadline_set(&deadline, RACE_MS);
	while (merged() < PAGES - 1 && deadline_wait(&deadline))
		;
	ASSERT_EQ(0, ksm_write("run", "0"));
	ASSERT_LE(PAGES - 1, merged());
}

FIXTURE_TEARDOWN(ksm)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(knobs); i++)
		ksm_write(knobs[i], self->found[i]);
}

static bool intact(const char *area)
{
	long i;

	for (i = 0; i < PAGES; i++)
		if (area[i * STEP] != 'k' || area[i * STEP + PAGE - 1] != 'k')
			return false;
	return true;
}

TEST_F(ksm, merged)
{
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(intact(self->area));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, STEP, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

/* Each gets a page of its own again. */
TEST_F(ksm, unmerged)
{
	ASSERT_EQ(0, madvise(self->area, SIZE, MADV_UNMERGEABLE));
	/* That leaves the counting to the next scan, of which there is none. */
	ASSERT_EQ(0, ksm_write("run", "2"));
	ASSERT_EQ(0, merged());
	ASSERT_EQ(PAGES, present_in(0, self->area, SIZE));
	EXPECT_KEPT(TABLES);
	EXPECT_TRUE(intact(self->area));
	ASSERT_EQ(0, advise_pieces(self->area, SIZE, STEP, MADV_DONTNEED));
	EXPECT_EXCESS_0();
	EXPECT_EQ(0, account_grew(&own_account));
}

TEST_HARNESS_MAIN
