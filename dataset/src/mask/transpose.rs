//! Transposition in blocks of 64 x 64 bits: COCO's run lengths go down columns, our rows do not.

use super::Mask;

impl Mask {
    /// The mask with rows and columns exchanged.
    #[must_use]
    pub(super) fn transposed(&self) -> Mask {
        let mut out = Mask::new(self.height, self.width);
        let mut block = [0u64; 64];
        for block_y in 0..out.stride {
            let rows = 64.min(self.height as usize - block_y * 64);
            for block_x in 0..self.stride {
                block.fill(0);
                for (i, word) in block.iter_mut().take(rows).enumerate() {
                    *word = self.words[(block_y * 64 + i) * self.stride + block_x];
                }
                transpose_block(&mut block);
                let columns = 64.min(self.width as usize - block_x * 64);
                for (i, word) in block.iter().take(columns).enumerate() {
                    out.words[(block_x * 64 + i) * out.stride + block_y] = *word;
                }
            }
        }
        out
    }
}

/// Exchanges bit `j` of word `i` with bit `i` of word `j`, by swapping ever smaller quarters (Hacker's Delight 7-3).
fn transpose_block(block: &mut [u64; 64]) {
    let mut width = 32;
    let mut low = 0x0000_0000_FFFF_FFFF_u64;
    while width > 0 {
        let mut i = 0;
        while i < 64 {
            let swap = (block[i] >> width ^ block[i + width]) & low;
            block[i] ^= swap << width;
            block[i + width] ^= swap;
            i = (i + width + 1) & !width;
        }
        width >>= 1;
        low ^= low << width;
    }
}
