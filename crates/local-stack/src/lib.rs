//! Local servers, Lambda APIs and both functions joined into one running system.
