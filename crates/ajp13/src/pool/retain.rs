//! Taking some items out of a vector.

/// `Vec::retain_mut` that hands over what it takes out.
pub(super) trait RetainOrMove<T> {
    fn retain_mut_or_move<R>(
        &mut self,
        gone: &mut Vec<(T, R)>,
        judge: impl FnMut(&mut T) -> Option<R>,
    );
}

impl<T> RetainOrMove<T> for Vec<T> {
    fn retain_mut_or_move<R>(
        &mut self,
        gone: &mut Vec<(T, R)>,
        mut judge: impl FnMut(&mut T) -> Option<R>,
    ) {
        let kept = Self::with_capacity(self.len());
        for mut item in std::mem::replace(self, kept) {
            match judge(&mut item) {
                Some(reason) => gone.push((item, reason)),
                None => self.push(item),
            }
        }
    }
}
