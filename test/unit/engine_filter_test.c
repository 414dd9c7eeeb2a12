/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The filter compiler: random tables are compiled, the program is run by a
 * small interpreter of classic BPF, and its answers are compared with what
 * the rows say. Numbers without conditions must be answered without a look
 * at the arguments or the address of the call, or the kernel's bitmap could
 * not hold them; only gated ones need the address.
 */
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/filter.h"
#include "engine/gate.h"

#define ROWS	300
#define WHENS	4
#define NUMBERS	700

static unsigned ntests, nfailed;

static void ok(bool good, const char *name)
{
	ntests++;
	if (!good)
		nfailed++;
	printf("%sok %u - %s\n", good ? "" : "not ", ntests, name);
}

struct tables {
	struct filter_row row[2][ROWS];
	struct when when[2][ROWS][WHENS];
	struct filter_spec spec;
};

struct outcome {
	uint32_t answer;
	bool looked;		/* at ip or an argument */
	bool wild;		/* left the program, or an unknown instruction */
};

static bool jump_taken(const struct sock_filter *f, uint32_t a)
{
	switch (BPF_OP(f->code)) {
	case BPF_JEQ: return a == f->k;
	case BPF_JGE: return a >= f->k;
	case BPF_JGT: return a > f->k;
	case BPF_JSET: return a & f->k;
	default: return false;
	}
}

static struct outcome interpret(const struct sock_filter *prog, size_t n,
				const struct seccomp_data *data)
{
	struct outcome out = { 0 };
	uint32_t a = 0;
	size_t pc;

	for (pc = 0; pc < n; pc++) {
		const struct sock_filter *f = &prog[pc];

		switch (f->code) {
		case BPF_LD | BPF_W | BPF_ABS:
			memcpy(&a, (const char *)data + f->k, 4);
			out.looked |= f->k >= 8;
			break;
		case BPF_ALU | BPF_AND | BPF_K:
			a &= f->k;
			break;
		case BPF_RET | BPF_K:
			out.answer = f->k;
			return out;
		case BPF_JMP | BPF_JA:
			pc += f->k;
			break;
		default:
			pc += jump_taken(f, a) ? f->jt : f->jf;
		}
	}
	out.wild = true;
	return out;
}

static bool holds(const struct when *w, const struct seccomp_data *data)
{
	uint64_t whole = data->args[w->arg];
	uint32_t low = whole;

	switch (w->op) {
	case WHEN_ALWAYS: return true;
	case WHEN_BITS: return low & w->mask;
	case WHEN_EQUAL: return (low & w->mask) == w->value;
	case WHEN_DIFFERS: return (low & w->mask) != w->value;
	case WHEN_NONZERO: return whole != 0;
	case WHEN_BETWEEN: return low >= w->mask && low <= w->value;
	}
	return false;
}

/* A row that lets calls from within the gate pass. */
static bool is_gated(const struct filter_row *row, enum abi abi)
{
	return row->gated && !row->nwhen && abi == ABI_NATIVE &&
	       row->action == FILTER_NOTIFY;
}

static bool in_gate(uint64_t ip)
{
	return ip >= GATE_CODE && ip < GATE_CODE_END;
}

static uint32_t row_answer(const struct filter_row *row, enum abi abi,
			   const struct seccomp_data *data)
{
	bool hit = !row->nwhen;
	size_t i;

	if (is_gated(row, abi) && in_gate(data->instruction_pointer))
		return SECCOMP_RET_ALLOW;

	for (i = 0; i < row->nwhen; i++)
		hit |= holds(&row->when[i], data);
	if (!hit)
		return SECCOMP_RET_ALLOW;
	return row->action == FILTER_NOTIFY ? SECCOMP_RET_USER_NOTIF :
					      SECCOMP_RET_ERRNO | ENOSYS;
}

static const struct filter_row *find_row(const struct filter_spec *spec,
					 enum abi abi, int nr)
{
	size_t i;

	for (i = 0; i < spec->nrow[abi]; i++)
		if (spec->row[abi][i].nr == nr)
			return &spec->row[abi][i];
	return NULL;
}

static uint32_t expected(const struct filter_spec *spec,
			 const struct seccomp_data *data)
{
	enum abi abi = data->arch == AUDIT_ARCH_X86_64 ? ABI_NATIVE : ABI_COMPAT;
	const struct filter_row *row = find_row(spec, abi, data->nr);

	if (abi == ABI_COMPAT && data->arch != AUDIT_ARCH_I386)
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (data->nr == -1)
		return SECCOMP_RET_ALLOW;
	if (row)
		return row_answer(row, abi, data);
	if (abi == ABI_COMPAT && !spec->nrow[abi])
		return SECCOMP_RET_ERRNO | ENOSYS;
	if (abi == ABI_NATIVE && (unsigned)data->nr >= 0x40000000u)
		return SECCOMP_RET_ERRNO | ENOSYS;
	return SECCOMP_RET_ALLOW;
}

/* Small values, so that conditions are met now and then. */
static uint32_t small(void)
{
	return random() % 8;
}

static struct when random_when(void)
{
	return (struct when){ .op = random() % 6, .arg = random() % 6,
			      .mask = random() % 5 ? small() : UINT32_MAX,
			      .value = small() };
}

static void fill_table(struct tables *t, enum abi abi, size_t nrow)
{
	int nr = random() % 3;
	size_t i, j;

	for (i = 0; i < nrow; i++) {
		struct filter_row *row = &t->row[abi][i];

		row->nr = nr;
		row->action = random() % 4 ? FILTER_NOTIFY : FILTER_ENOSYS;
		row->gated = random() % 2;
		row->nwhen = random() % 3 ? 0 : random() % (WHENS + 1);
		row->when = row->nwhen ? t->when[abi][i] : NULL;
		for (j = 0; j < row->nwhen; j++)
			t->when[abi][i][j] = random_when();
		nr += 1 + random() % 3 * (random() % 3);
	}
	t->spec.row[abi] = t->row[abi];
	t->spec.nrow[abi] = nrow;
}

/* In the gate, at its edges, 4 GiB beside it, elsewhere. */
static uint64_t random_ip(void)
{
	static const uint64_t at[] = {
		GATE_CODE - 1, GATE_CODE, GATE_CODE + 21, GATE_CODE_END - 1,
		GATE_CODE_END, 0, 0x401000, 0x7ffff7d00000, UINT64_MAX,
	};
	uint64_t ip = at[random() % (sizeof(at) / sizeof(at[0]))];

	return random() % 4 ? ip : ip + ((random() % 5 - 2ull) << 32);
}

static void random_data(struct seccomp_data *data, int nr)
{
	static const uint32_t arch[] = { AUDIT_ARCH_X86_64, AUDIT_ARCH_X86_64,
					 AUDIT_ARCH_I386, AUDIT_ARCH_ARM };
	size_t i;

	data->nr = nr;
	data->arch = arch[random() % 4];
	data->instruction_pointer = random_ip();
	for (i = 0; i < 6; i++)
		data->args[i] = (uint64_t)(random() % 3 ? 0 : small()) << 32 |
				(random() % 3 ? small() : 0);
}

static bool agrees(const struct filter_spec *spec,
		   const struct sock_filter *prog, int n,
		   const struct seccomp_data *data)
{
	struct outcome got = interpret(prog, n, data);
	enum abi abi = data->arch == AUDIT_ARCH_X86_64 ? ABI_NATIVE : ABI_COMPAT;
	const struct filter_row *row = find_row(spec, abi, data->nr);

	if (got.wild || got.answer != expected(spec, data))
		return false;
	return !got.looked || (row && (row->nwhen || is_gated(row, abi)));
}

static bool check_numbers(const struct filter_spec *spec,
			  const struct sock_filter *prog, int n)
{
	static const unsigned odd[] = { 0x3fffffff, 0x40000000, 0x40000001,
					0x7fffffff, 0x80000000, 0xfffffffe,
					0xffffffff };
	struct seccomp_data data;
	size_t i;

	memset(&data, 0, sizeof(data));
	for (i = 0; i < 8 * NUMBERS; i++) {
		random_data(&data, i % NUMBERS);
		if (!agrees(spec, prog, n, &data))
			return false;
	}
	for (i = 0; i < 4 * sizeof(odd) / sizeof(odd[0]); i++) {
		random_data(&data, odd[i / 4]);
		if (!agrees(spec, prog, n, &data))
			return false;
	}
	return true;
}

static bool check_tables(size_t native, size_t compat)
{
	struct tables *t = calloc(1, sizeof(*t));
	struct sock_filter *prog = NULL;
	bool good;
	int n;

	fill_table(t, ABI_NATIVE, native);
	fill_table(t, ABI_COMPAT, compat);
	n = filter_compile(&t->spec, &prog);
	good = n > 0 && check_numbers(&t->spec, prog, n);
	if (!good)
		printf("# %zu + %zu rows: %d instructions\n", native, compat, n);
	free(prog);
	free(t);
	return good;
}

static bool many_tables(size_t most)
{
	int i;

	for (i = 0; i < 60; i++)
		if (!check_tables(random() % (most + 1), random() % (most + 1)))
			return false;
	return true;
}

static bool refuses(const struct filter_row *row, size_t n)
{
	const struct filter_spec spec = { .row = { row }, .nrow = { n } };
	struct sock_filter *prog = NULL;

	return filter_compile(&spec, &prog) == -EINVAL && !prog;
}

static bool too_big(void)
{
	enum { N = 2000 };
	static const struct when when[2] = {
		{ WHEN_NONZERO, 0, 0, 0 }, { WHEN_BETWEEN, 1, 2, 3 },
	};
	struct filter_row *row = calloc(N, sizeof(*row));
	struct filter_spec spec = { .row = { row }, .nrow = { N } };
	struct sock_filter *prog = NULL;
	size_t i;
	int n;

	for (i = 0; i < N; i++)
		row[i] = (struct filter_row){
			.nr = i, .when = when, .nwhen = 2,
		};
	n = filter_compile(&spec, &prog);
	free(row);
	return n == -E2BIG && !prog;
}

int main(void)
{
	static const struct filter_row twice[2] = { { .nr = 5 }, { .nr = 5 } };
	static const struct filter_row alien = { .nr = 0x40000001 };

	srandom(1);
	ok(check_tables(0, 0), "empty tables");
	ok(check_tables(1, 0), "one row, i386 refused as a whole");
	ok(many_tables(4), "small tables");
	ok(many_tables(ROWS), "large tables");
	ok(refuses(twice, 2), "rows out of order are refused");
	ok(refuses(&alien, 1), "rows of x32 are refused");
	ok(too_big(), "a program over the kernel's limit is refused");
	printf("1..%u\n", ntests);
	return nfailed != 0;
}
