//! Parts of a batch on several threads. What comes out does not depend on how many.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

/// Does `work` on each of `count` parts, on `threads` threads, each of which calls `enter` first; results come in the order of
/// the parts.
///
/// # Errors
/// The first part's that failed.
pub fn each<R: Send, E: Send>(
    count: usize,
    threads: usize,
    enter: &(dyn Fn() + Sync),
    work: &(dyn Fn(usize) -> Result<R, E> + Sync),
) -> Result<Vec<R>, E> {
    let next = AtomicUsize::new(0);
    let done: Mutex<Vec<Option<Result<R, E>>>> = Mutex::new((0..count).map(|_| None).collect());
    std::thread::scope(|scope| {
        for _ in 0..threads.clamp(1, count.max(1)) {
            scope.spawn(|| {
                enter();
                loop {
                    let part = next.fetch_add(1, Ordering::Relaxed);
                    if part >= count {
                        return;
                    }
                    let result = work(part);
                    done.lock().unwrap_or_else(PoisonError::into_inner)[part] = Some(result);
                }
            });
        }
    });
    done.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn results_come_in_order_and_the_first_error_is_told() {
        let work = |i: usize| if i == 7 { Err(i) } else { Ok(i * i) };
        for threads in [1, 3, 20] {
            assert_eq!(super::each(5, threads, &|| (), &work), Ok(vec![0, 1, 4, 9, 16]));
            assert_eq!(super::each(9, threads, &|| (), &work), Err(7));
        }
        assert_eq!(super::each(0, 4, &|| (), &work), Ok(vec![]));
    }
}
