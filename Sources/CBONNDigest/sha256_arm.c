// SHA-256 with the instructions of AArch64's cryptographic extension (Arm's manual: SHA256H,
// SHA256H2, SHA256SU0, SHA256SU1). The state is (A, B, C, D) and (E, F, G, H) from the lowest lane
// up.
#include "sha256.h"

#if defined(BONN_SHA256_ARM)
#include <arm_neon.h>

#if defined(__linux__)
#include <sys/auxv.h>
int bonn_sha256_has_arm(void) {
    enum { HWCAP_BIT_SHA2 = 1 << 6 };
    return (getauxval(AT_HWCAP) & HWCAP_BIT_SHA2) != 0;
}
#else
// Every 64-bit processor of Apple's has them; elsewhere there is no portable way to ask.
int bonn_sha256_has_arm(void) {
#if defined(__APPLE__)
    return 1;
#else
    return 0;
#endif
}
#endif

__attribute__((target("sha2"))) void bonn_sha256_arm(uint32_t *state, const uint8_t *data,
                                                     size_t blocks) {
    uint32x4_t abcd = vld1q_u32(state);
    uint32x4_t efgh = vld1q_u32(state + 4);
    for (; blocks > 0; blocks--, data += 64) {
        const uint32x4_t abcd_before = abcd, efgh_before = efgh;
        uint32x4_t w[4];
        for (int i = 0; i < 4; i++) {
            w[i] = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(data + 16 * i)));
        }
        for (int i = 0; i < 16; i++) {
            if (i >= 4) {
                const uint32x4_t first = vsha256su0q_u32(w[i & 3], w[(i + 1) & 3]);
                w[i & 3] = vsha256su1q_u32(first, w[(i + 2) & 3], w[(i + 3) & 3]);
            }
            const uint32x4_t sum = vaddq_u32(w[i & 3], vld1q_u32(bonn_sha256_constants + 4 * i));
            const uint32x4_t old = abcd;
            abcd = vsha256hq_u32(abcd, efgh, sum);
            efgh = vsha256h2q_u32(efgh, old, sum);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

#endif
