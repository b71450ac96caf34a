//! The marks of a store: by their ids, and each kind by its age.
//!
//! A crate's hash map that keeps an order is a tenth of the whole WebAssembly module.

use alloc::vec;
use alloc::vec::Vec;

/// An id's SHA-256, whose bytes are as good a hash as any.
pub(super) type Id = [u8; 32];

#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    #[default]
    Claim,
    Done,
}

#[derive(Clone, Copy, Default)]
pub(super) struct Mark {
    pub(super) kind: Kind,
    /// Of a claim.
    pub(super) token: u64,
    pub(super) ends: i64,
}

/// Every kind is a ring of places, from the oldest to the newest, closed by a place of its own that holds no mark.
#[derive(Clone)]
pub(super) struct Marks {
    places: Vec<Place>,
    /// Where the chain of every hash starts: at least as many as there are places, and a power of two.
    chains: Vec<usize>,
    /// Where the chain of places starts that hold no mark.
    free: usize,
    len: usize,
}

#[derive(Clone, Copy, Default)]
struct Place {
    id: Id,
    mark: Mark,
    /// The next place of the chain.
    next: usize,
    older: usize,
    newer: usize,
}

/// What no place is, after the last one of a chain.
const NONE: usize = usize::MAX;

impl Marks {
    pub(super) fn new() -> Self {
        let ring = |at| Place { older: at, newer: at, ..Place::default() };
        Self { places: vec![ring(0), ring(1)], chains: vec![NONE; 2], free: NONE, len: 0 }
    }

    pub(super) const fn len(&self) -> usize {
        self.len
    }

    pub(super) fn get(&self, id: &Id) -> Option<Mark> {
        Some(self.places.get(self.find(id).1)?.mark)
    }

    /// The id of the oldest mark of a kind.
    pub(super) fn oldest(&self, kind: Kind) -> Option<(Id, Mark)> {
        let ring = kind as usize;
        let at = self.places.get(ring)?.newer;
        self.places.get(at).filter(|_| at != ring).map(|place| (place.id, place.mark))
    }

    /// Adds the newest mark of its kind; the id has none.
    pub(super) fn insert(&mut self, id: Id, mark: Mark) {
        if self.free == NONE {
            if self.places.len() >= self.chains.len() {
                self.chains = vec![NONE; self.chains.len().saturating_mul(2)];
                (2..self.places.len()).for_each(|at| self.chain(at)); // all of them hold marks
            }
            self.free = self.places.len();
            self.places.push(Place { next: NONE, ..Place::default() });
        }
        let (at, newer) = (self.free, mark.kind as usize);
        let older = self.places.get(newer).map_or(newer, |ring| ring.older);
        if let Some(place) = self.places.get_mut(at) {
            self.free = place.next;
            *place = Place { id, mark, ..*place };
        }
        self.join(older, at);
        self.join(at, newer);
        self.chain(at);
        self.len = self.len.wrapping_add(1);
    }

    /// Takes an id's mark away, if it has one.
    pub(super) fn remove(&mut self, id: &Id) {
        let (before, at) = self.find(id);
        let free = self.free;
        let Some(place) = self.places.get_mut(at) else { return };
        let Place { older, newer, next, .. } = *place;
        place.next = free;
        self.free = at;
        self.join(older, newer);
        let first = self.first(id);
        let link = self.places.get_mut(before).map(|place| &mut place.next).or(self.chains.get_mut(first));
        if let Some(link) = link {
            *link = next;
        }
        self.len = self.len.wrapping_sub(1);
    }

    /// An id's place and the one before it in the chain; `NONE` where there is none.
    fn find(&self, id: &Id) -> (usize, usize) {
        let (mut before, mut at) = (NONE, self.chains.get(self.first(id)).copied().unwrap_or(NONE));
        while let Some(place) = self.places.get(at).filter(|place| place.id != *id) {
            (before, at) = (at, place.next);
        }
        (before, at)
    }

    /// Which chain an id is in.
    fn first(&self, id: &Id) -> usize {
        let hash = id.first_chunk().copied().map_or(0, u32::from_le_bytes);
        hash as usize & self.chains.len().wrapping_sub(1)
    }

    /// Puts a place at the front of its id's chain.
    fn chain(&mut self, at: usize) {
        let Some(id) = self.places.get(at).map(|place| place.id) else { return };
        let first = self.first(&id);
        if let (Some(place), Some(first)) = (self.places.get_mut(at), self.chains.get_mut(first)) {
            place.next = core::mem::replace(first, at);
        }
    }

    /// Makes two places neighbours in a ring.
    fn join(&mut self, older: usize, newer: usize) {
        if let Some(place) = self.places.get_mut(older) {
            place.newer = newer;
        }
        if let Some(place) = self.places.get_mut(newer) {
            place.older = older;
        }
    }
}
