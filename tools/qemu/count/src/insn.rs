// SPDX-License-Identifier: GPL-2.0

//! x86-64 instructions, as far as it matters here.

/// Whether an instruction locks the bus: it has a lock prefix, or exchanges a register with memory.
pub fn is_atomic(code: &[u8]) -> bool {
    let mut bytes = code.iter().copied().skip_while(|&byte| is_prefix(byte));
    if code
        .iter()
        .take_while(|&&byte| is_prefix(byte))
        .any(|&byte| byte == LOCK)
    {
        return true;
    }
    match bytes.next() {
        Some(0x86 | 0x87) => bytes.next().is_some_and(|modrm| modrm >> 6 != 3),
        _ => false,
    }
}

const LOCK: u8 = 0xf0;

/// Legacy prefixes, and REX.
fn is_prefix(byte: u8) -> bool {
    matches!(
        byte,
        LOCK | 0xf2 | 0xf3 | 0x2e | 0x36 | 0x3e | 0x26 | 0x64 | 0x65 | 0x66 | 0x67 | 0x40..=0x4f
    )
}

#[cfg(test)]
mod tests {
    use super::is_atomic;

    #[test]
    fn lock_prefixes_and_exchanges() {
        // lock incl (%rdi); lock cmpxchg %ecx,(%rdx); gs lock
        assert!(is_atomic(&[0xf0, 0xff, 0x07]));
        assert!(is_atomic(&[0xf0, 0x0f, 0xb1, 0x0a]));
        assert!(is_atomic(&[0x65, 0xf0, 0xff, 0x07]));
        // xchg %rax,(%r15); xchg %al,(%rdi)
        assert!(is_atomic(&[0x49, 0x87, 0x07]));
        assert!(is_atomic(&[0x86, 0x07]));
    }

    #[test]
    fn others() {
        // xchg %rax,%rbx; cmpxchg %rcx,%gs:(%rdx); mov; lock's place taken by a segment prefix
        assert!(!is_atomic(&[0x48, 0x87, 0xd8]));
        assert!(!is_atomic(&[0x65, 0x48, 0x0f, 0xb1, 0x0a]));
        assert!(!is_atomic(&[0x48, 0x89, 0x07]));
        assert!(!is_atomic(&[0x3e, 0xff, 0x07]));
        assert!(!is_atomic(&[]));
    }
}
