//! The driver's own client.

use std::ops::{Deref, DerefMut};

use crate::driver::{Connection, Connector};
use crate::own::invocation::Invocation;

/// The driver's own client on a connection of its own, which is closed when this is dropped.
///
/// The function knows nothing of what is done with it: an error of the invocation says that a write
/// may have been carried out. When the time is nearly up, the server is asked to cancel what it
/// runs.
pub struct Driver<'a, C: Connector> {
    invocation: &'a Invocation<C>,
    connection: C::Connection,
}

impl<'a, C: Connector> Driver<'a, C> {
    pub(crate) fn new(invocation: &'a Invocation<C>, connection: C::Connection) -> Self {
        Driver { invocation, connection }
    }
}

impl<C: Connector> Deref for Driver<'_, C> {
    type Target = <C::Connection as Connection>::Client;

    fn deref(&self) -> &Self::Target {
        self.connection.client()
    }
}

impl<C: Connector> DerefMut for Driver<'_, C> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        self.connection.client_mut()
    }
}

impl<C: Connector> Drop for Driver<'_, C> {
    fn drop(&mut self) {
        self.invocation.closed();
    }
}
