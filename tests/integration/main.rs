//! What karpcheck does as a whole, against real files and servers.

mod apiserver;
mod live;
