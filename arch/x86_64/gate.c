/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine code of the gate.
 *
 * A site is `mov $nr,%eax` (b8 imm32) and `syscall` (0f 05). The `mov` becomes
 * a jump of the same five bytes, the `syscall` stays: whoever jumps to it, or
 * is restarted at it, makes a call like any other.
 *
 * In one site of glibc there is something between the two: where the C library
 * opens a file for itself, open(path) becomes openat(AT_FDCWD, path). A slot
 * does the same.
 *
 * Between the two instructions of a site rax is free, which was to be loaded,
 * rcx and r11, which the call overwrites, and the flags, which compilers take
 * for lost in any asm. A slot does without them, and without the stack
 * (functions without a frame keep things below the stack pointer): it tests
 * by jrcxz and jumps through memory. When the gate is not quite open, it goes
 * on in names.S.
 *
 * Sites that are left alone:
 *  - a byte 40..4f before it makes the b8 a part of a longer instruction
 *    (`mov $imm,%r8d`);
 *  - in glibc up to 2.40, threads that may be cancelled are cancelled within
 *    the call, by a signal handler that unwinds the stack from there, and no
 *    unwinder knows a slot. Such a site is known by what follows it: the old
 *    type of cancellation, kept in r8d, is handed back.
 */
#include <string.h>
#include "arch/x86_64/arch.h"

#define HAND_BACK_MAX	16	/* bytes between the call and the handing back */

/* One field of a template, little endian. */
static void put32(uint8_t *out, uint32_t value)
{
	memcpy(out, &value, sizeof(value));
}

static void put64(uint8_t *out, uint64_t value)
{
	memcpy(out, &value, sizeof(value));
}

/* mov %rdi,%rsi; mov $AT_FDCWD,%edi */
static const uint8_t between[] = {
	0x48, 0x89, 0xfe, 0xbf, 0x9c, 0xff, 0xff, 0xff
};

static bool is_mov(const uint8_t *code, size_t at)
{
	return code[at] == 0xb8 && (!at || (code[at - 1] & 0xf0) != 0x40);
}

/* How many bytes before the syscall the site begins; 0: it is none */
static size_t site_before(const uint8_t *code, size_t at)
{
	const size_t gap = sizeof(between);

	if (!arch_is_entry(code + at, false))
		return 0;
	if (at >= ARCH_JUMP_SIZE && is_mov(code, at - ARCH_JUMP_SIZE))
		return ARCH_JUMP_SIZE;
	if (at >= ARCH_JUMP_SIZE + gap &&
	    !memcmp(code + at - gap, between, gap) &&
	    is_mov(code, at - gap - ARCH_JUMP_SIZE))
		return ARCH_JUMP_SIZE + gap;
	return 0;
}

/* mov %r8d,%edi soon after the call, which is at that place. */
static bool is_cancelled(const uint8_t *code, size_t len, size_t at)
{
	static const uint8_t hand_back[] = { 0x44, 0x89, 0xc7 };
	size_t from = at + ARCH_INSN_SIZE, n = len - from;

	if (n > HAND_BACK_MAX)
		n = HAND_BACK_MAX;
	return memmem(code + from, n, hand_back, sizeof(hand_back));
}

int arch_find_site(const uint8_t *code, size_t len, size_t *at, size_t *gap)
{
	static const uint8_t entry[] = { 0x0f, 0x05 };
	size_t from = *at + ARCH_JUMP_SIZE, call, n;
	const uint8_t *p;

	for (; from < len; from = call + 1) {
		uint32_t nr;

		p = memmem(code + from, len - from, entry, sizeof(entry));
		if (!p)
			return -1;
		call = p - code;
		n = site_before(code, call);
		if (!n || n > call - *at)
			continue;
		memcpy(&nr, code + call - n + 1, sizeof(nr));
		if (nr >= ARCH_NR_ALIEN || is_cancelled(code, len, call))
			continue;
		*at = call - n;
		*gap = n - ARCH_JUMP_SIZE;
		return nr;
	}
	return -1;
}

/* jmp to */
void arch_write_jump(uint8_t out[ARCH_JUMP_SIZE], uint64_t at, uint64_t to)
{
	out[0] = 0xe9;
	put32(out + 1, to - (at + ARCH_JUMP_SIZE));
}

/* jmp *0(%rip), and the address */
void arch_write_step(uint8_t out[ARCH_STEP_SIZE], uint64_t to)
{
	static const uint8_t template[ARCH_STEP_SIZE] = {
		0xff, 0x25, 0, 0, 0, 0,
		[6 ... ARCH_STEP_SIZE - 1] = 0xcc,
	};

	memcpy(out, template, sizeof(template));
	put64(out + 6, to);
}

void arch_write_slot(uint8_t out[ARCH_SLOT_SIZE], uint64_t at, uint64_t word,
		     int nr, uint64_t site, size_t gap, uint64_t names)
{
	enum { GAP = 8, TEST = GAP + 8, NAMES = GAP + 20, NATIVE = GAP + 25,
	       TO = GAP + 40 };
	static const uint8_t template[ARCH_SLOT_SIZE] = {
		0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0,	/* nop, or the gap */
		0x8b, 0x0d, 0, 0, 0, 0,			/* mov word(%rip),%ecx */
		0xe3, NATIVE - TEST,			/* jrcxz native */
		0x4c, 0x8d, 0x1d, TO - GAP - 15, 0, 0, 0, /* lea to(%rip),%r11 */
		0xb8, 0, 0, 0, 0,			/* mov $nr,%eax */
		0xe9, 0, 0, 0, 0,			/* jmp names */
		/* native: */
		0xb8, 0, 0, 0, 0,			/* mov $nr,%eax */
		0x0f, 0x05,				/* syscall */
		0xff, 0x25, TO - GAP + 8 - 38, 0, 0, 0,	/* jmp *to+8(%rip) */
		[GAP + 38 ... ARCH_SLOT_SIZE - 1] = 0xcc,
		/* to: the site's syscall, and behind it */
	};

	_Static_assert(sizeof(between) == GAP && TO + 16 <= ARCH_SLOT_SIZE,
		       "there is room");

	memcpy(out, template, sizeof(template));
	memcpy(out, between, gap);
	put32(out + GAP + 2, word - (at + GAP + 6));
	put32(out + NAMES - 4, nr);
	arch_write_jump(out + NAMES, at + NAMES, names);
	put32(out + NATIVE + 1, nr);
	put64(out + TO, site + ARCH_JUMP_SIZE + gap);
	put64(out + TO + 8, site + ARCH_JUMP_SIZE + gap + ARCH_INSN_SIZE);
}

/* names.S */
extern const uint8_t arch_names[], arch_names_end[];
extern const struct { int32_t nr, at; } arch_names_entry[];

size_t arch_write_names(uint8_t out[ARCH_NAMES_SIZE])
{
	size_t n = arch_names_end - arch_names;

	if (n > ARCH_NAMES_SIZE)
		return 0;
	memcpy(out, arch_names, n);
	return n;
}

size_t arch_names_of(int nr, bool *own)
{
	size_t i = 0;

	while (arch_names_entry[i].nr != nr && arch_names_entry[i].nr >= 0)
		i++;
	*own = arch_names_entry[i].nr >= 0;
	return arch_names_entry[i].at;
}
