//! A map of few entries: a list in the order of its keys. It is quicker than a tree there, and its code is a tenth of one.

/// Values by key. Putting one in between moves those behind it.
#[derive(Clone, Debug)]
pub(crate) struct Sorted<K, V>(Vec<(K, V)>);

impl<K, V> Default for Sorted<K, V> {
    fn default() -> Self {
        Sorted(Vec::new())
    }
}

impl<K: Ord + Copy, V: Copy> Sorted<K, V> {
    pub(crate) fn get(&self, key: K) -> Option<V> {
        let at = self.0.binary_search_by_key(&key, |(key, _)| *key).ok()?;
        self.0.get(at).map(|(_, value)| *value)
    }

    /// The same for whoever asks for one key after the other. `at`: where the last one was looked for.
    pub(crate) fn get_next(&self, key: K, at: &mut usize) -> Option<V> {
        while self.0.get(*at).is_some_and(|(known, _)| *known < key) {
            *at += 1;
        }
        self.0.get(*at).filter(|(known, _)| *known == key).map(|(_, value)| *value)
    }

    /// Puts a value, in the place of the one that was there.
    pub(crate) fn insert(&mut self, key: K, value: V) {
        if self.0.last().is_none_or(|(last, _)| *last < key) {
            return self.0.push((key, value));
        }
        match self.0.binary_search_by_key(&key, |(key, _)| *key) {
            Ok(at) => self.0[at].1 = value,
            Err(at) => self.0.insert(at, (key, value)),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (K, V)> {
        self.0.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Sorted;

    #[test]
    fn the_last_value_of_a_key_stands_in_the_order_of_keys() {
        let mut sorted = Sorted::default();
        for (key, value) in [(3, 'a'), (1, 'b'), (2, 'c'), (3, 'd')] {
            sorted.insert(key, value);
        }
        assert_eq!(sorted.iter().collect::<Vec<_>>(), [(1, 'b'), (2, 'c'), (3, 'd')]);
        assert_eq!((sorted.get(2), sorted.get(4)), (Some('c'), None));
        let mut at = 0;
        assert_eq!([0, 1, 3, 4].map(|key| sorted.get_next(key, &mut at)), [None, Some('b'), Some('d'), None]);
    }
}
