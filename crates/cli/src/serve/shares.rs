//! Who has how much of something of which there is so much.

use std::{
    collections::BTreeMap,
    net::IpAddr,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

/// Something that clients hold, of which each may have its share.
#[derive(Debug)]
pub(super) struct Shares {
    held: Mutex<BTreeMap<IpAddr, usize>>,
    /// How many there are.
    all: usize,
    /// How many of them one client may hold.
    own: usize,
}

/// One of them, for as long as its client holds it.
#[derive(Debug)]
pub(super) struct Share {
    of: Arc<Shares>,
    client: IpAddr,
}

impl Shares {
    pub(super) fn new(all: usize, own: usize) -> Arc<Self> {
        Arc::new(Self { held: Mutex::default(), all, own })
    }

    /// Takes one for a client, unless it or all clients together have too many.
    pub(super) fn take(self: &Arc<Self>, client: IpAddr) -> Option<Share> {
        let mut held = self.lock();
        let all: usize = held.values().sum();
        let own = held.get(&client).copied().unwrap_or_default();
        if all >= self.all || own >= self.own {
            return None;
        }
        held.insert(client, own + 1);
        drop(held);
        Some(Share { of: self.clone(), client })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<IpAddr, usize>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        let mut held = self.of.lock();
        match held.get(&self.client).copied().unwrap_or_default() {
            0 | 1 => held.remove(&self.client),
            own => held.insert(self.client, own - 1),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::Ipv4Addr;

    #[test]
    fn one_client_cannot_have_all() {
        let shares = Shares::new(8, 3);
        let take = |client: u32| shares.take(Ipv4Addr::from_bits(client).into());
        let mut own: Vec<_> = (0..3).map(|_| take(0).unwrap()).collect();
        assert!(take(0).is_none());
        let other = take(1).unwrap();
        own.pop();
        own.extend(take(0));
        assert!(own.len() == 3 && take(0).is_none());
        let others: Vec<_> = (2..6).map(|client| take(client).unwrap()).collect();
        assert!(take(6).is_none());
        drop(other);
        assert!(take(6).is_some() && take(6).is_some());
        drop((own, others));
        assert!(shares.lock().is_empty());
    }
}
