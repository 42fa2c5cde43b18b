//! Matrix products of `f32` slices.

use gemm::Parallelism;

/// A matrix in a slice: element `(r, c)` lies at `r * row + c * column`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mat<'a> {
    pub(crate) data: &'a [f32],
    pub(crate) rows: usize,
    pub(crate) columns: usize,
    pub(crate) row: usize,
    pub(crate) column: usize,
}

impl<'a> Mat<'a> {
    /// Rows one after the other.
    pub(crate) fn new(data: &'a [f32], rows: usize, columns: usize) -> Self {
        Self { data, rows, columns, row: columns, column: 1 }
    }

    /// The same numbers with rows and columns exchanged.
    pub(crate) fn transposed(self) -> Self {
        Self { rows: self.columns, columns: self.rows, row: self.column, column: self.row, ..self }
    }

    fn fits(&self) -> bool {
        last(self.rows, self.row, self.columns, self.column).is_some_and(|last| last < self.data.len())
    }
}

/// Where the last element of a matrix lies.
fn last(rows: usize, row: usize, columns: usize, column: usize) -> Option<usize> {
    rows.checked_sub(1)?.checked_mul(row)?.checked_add(columns.checked_sub(1)?.checked_mul(column)?)
}

/// `out = a @ b`, or `out += a @ b` where `add`; row `r` of `out` starts at `r * stride`. On this thread alone, or on the
/// threads of the current rayon pool where `parallel`.
///
/// The sum over the inner dimension is made in one order whatever the number of threads.
#[allow(
    unsafe_code,
    reason = "gemm's interface is of pointers: six times faster than what safe loops reach here (docs/performance.md)"
)]
pub(crate) fn gemm(out: &mut [f32], stride: usize, a: Mat<'_>, b: Mat<'_>, add: bool, parallel: bool) {
    let (m, k, n) = (a.rows, a.columns, b.columns);
    if m == 0 || n == 0 {
        return;
    }
    let out_fits = n <= stride && last(m, stride, n, 1).is_some_and(|last| last < out.len());
    assert!(k == b.rows && out_fits && (k == 0 || (a.fits() && b.fits())), "matrix product of shapes that do not fit");
    #[cfg(feature = "mkl")]
    if parallel && k > 0 && mkl::takes(a) && mkl::takes(b) {
        // SAFETY: as below; MKL reads and writes no other elements than these strides reach.
        unsafe { mkl::sgemm(out, stride, a, b, add) };
        return;
    }
    let parallelism = if parallel { Parallelism::Rayon(0) } else { Parallelism::None };
    // SAFETY: the assertion above holds every element that the strides reach inside its slice (`a` and `b` are not read where
    // `k` is 0), rows of `out` do not overlap as `n <= stride`, `out` is borrowed alone, and all values are initialised f32.
    unsafe {
        gemm::gemm(
            m,
            n,
            k,
            out.as_mut_ptr(),
            1,
            stride as isize,
            add,
            a.data.as_ptr(),
            a.column as isize,
            a.row as isize,
            b.data.as_ptr(),
            b.column as isize,
            b.row as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            parallelism,
        );
    }
}

/// Intel's library for products on all threads; those of a single thread stay with `gemm`, as its threads are not ours.
#[cfg(feature = "mkl")]
#[allow(unsafe_code, reason = "a C interface")]
mod mkl {
    extern crate intel_mkl_src;

    use super::Mat;

    unsafe extern "C" {
        fn cblas_sgemm(
            layout: i32,
            trans_a: i32,
            trans_b: i32,
            m: i32,
            n: i32,
            k: i32,
            alpha: f32,
            a: *const f32,
            lda: i32,
            b: *const f32,
            ldb: i32,
            beta: f32,
            c: *mut f32,
            ldc: i32,
        );
    }

    /// Rows or columns side by side, and sizes that its 32-bit numbers hold.
    pub(super) fn takes(m: Mat<'_>) -> bool {
        let (across, along) = if m.column == 1 { (m.columns, m.row) } else { (m.rows, m.column) };
        (m.column == 1 || m.row == 1)
            && along >= across
            && [m.rows, m.columns, m.row, m.column].iter().all(|n| i32::try_from(*n).is_ok())
    }

    /// # Safety
    /// The matrices' strides reach no element outside their slices, rows of `out` do not overlap, and shapes go together.
    pub(super) unsafe fn sgemm(out: &mut [f32], stride: usize, a: Mat<'_>, b: Mat<'_>, add: bool) {
        const ROW_MAJOR: i32 = 101;
        // As it lies (111) or transposed (112), and the step between its rows or columns.
        let lie = |m: Mat<'_>| if m.column == 1 { (111, m.row as i32) } else { (112, m.column as i32) };
        let ((trans_a, lda), (trans_b, ldb)) = (lie(a), lie(b));
        let (m, n, k) = (a.rows as i32, b.columns as i32, a.columns as i32);
        let beta = if add { 1.0 } else { 0.0 };
        // SAFETY: the caller's promise.
        unsafe {
            cblas_sgemm(
                ROW_MAJOR,
                trans_a,
                trans_b,
                m,
                n,
                k,
                1.0,
                a.data.as_ptr(),
                lda,
                b.data.as_ptr(),
                ldb,
                beta,
                out.as_mut_ptr(),
                stride as i32,
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strides_and_sums_are_as_asked() {
        let a = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0];
        let b = [1.0, 0.0, 0.0, 1.0, 1.0, 1.0];
        let mut out = [10.0; 6];
        gemm(&mut out, 3, Mat::new(&a, 2, 3), Mat::new(&b, 3, 2), false, false);
        assert_eq!(out, [4.0, 5.0, 10.0, 10.0, 11.0, 10.0]);
        // b transposed, added to what is there.
        gemm(&mut out, 3, Mat::new(&a[..4], 2, 2), Mat::new(&b, 3, 2).transposed(), true, true);
        assert_eq!(out, [5.0, 7.0, 13.0, 13.0, 15.0, 17.0]);
    }

    #[test]
    #[should_panic(expected = "do not fit")]
    fn a_matrix_that_reaches_past_its_slice_is_refused() {
        let mut out = [0.0; 4];
        gemm(
            &mut out,
            2,
            Mat { data: &[0.0; 3], rows: 2, columns: 2, row: 2, column: 1 },
            Mat::new(&[0.0; 4], 2, 2),
            false,
            false,
        );
    }
}
