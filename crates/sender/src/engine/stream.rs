//! What comes over connections, and their end.

use std::sync::Arc;

use ringfence_sip_notify::{Datagram, Frame, PONG, refuse};

use super::entry::State;
use super::{Engine, MAX_REPLIES};
use crate::hop::{Hop, StreamPeer};

impl Engine {
    /// What was read from a connection.
    pub fn received(&mut self, peer: &Arc<StreamPeer>, bytes: &[u8], now: u64) {
        // Taken out, so that what is read can be acted on.
        let mut framer = self.streams.remove(peer).unwrap_or_default();
        framer.push(bytes);
        loop {
            match framer.poll() {
                Ok(Some(Frame::Message(message))) => self.message(peer, message, now),
                Ok(Some(Frame::Ping)) => self.reply(peer, PONG.to_vec()),
                Ok(None) => break,
                Err(error) => {
                    self.to_close.push_back(peer.clone());
                    return self.disconnected(peer, &error.to_string(), now);
                }
            }
        }
        self.streams.insert(peer.clone(), framer);
    }

    fn message(&mut self, peer: &Arc<StreamPeer>, message: &[u8], now: u64) {
        match Datagram::classify(message) {
            Datagram::Response(response) => self.response(None, &response, now),
            Datagram::Request(request) => {
                self.counts.requests += 1;
                // The connection is the way back, whatever the Via says.
                if let Some(answer) = refuse(&request, peer.address, &self.tag) {
                    self.reply(peer, answer);
                }
            }
            Datagram::KeepAlive => {}
            Datagram::Garbage(why) => self.unreadable(message, why),
        }
    }

    fn reply(&mut self, peer: &Arc<StreamPeer>, bytes: Vec<u8>) {
        if self.replies.len() < MAX_REPLIES {
            self.replies.push_back((Hop::Stream(peer.clone()), bytes));
        }
    }

    /// A connection is not there, or no longer: every NOTIFY that went over it has failed, heard or not. `why` is a
    /// part of a sentence, for their results.
    pub fn disconnected(&mut self, peer: &Arc<StreamPeer>, why: &str, now: u64) {
        self.streams.remove(peer);
        self.counts.broken += 1;
        self.replies.retain(|(to, _)| to.stream() != Some(peer));
        let keys: Vec<u64> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.destination().and_then(Hop::stream) == Some(peer))
            .map(|(key, _)| *key)
            .collect();
        for key in keys {
            if let Some(entry) = self.entries.get_mut(&key)
                && let State::Flying(flight) = &mut entry.state
            {
                flight.session.handle_transport_error();
                entry.broken = Some(why.to_owned());
                self.settle(key, now);
            }
        }
    }

    /// The next connection that is to be closed: what comes over it cannot be read.
    pub fn poll_close(&mut self) -> Option<Arc<StreamPeer>> {
        self.to_close.pop_front()
    }

    /// Whether a NOTIFY is out over a connection, or waits for its turn there.
    pub fn uses(&self, peer: &Arc<StreamPeer>) -> bool {
        self.entries.values().any(|entry| match &entry.state {
            State::Flying(flight) => flight.to.stream() == Some(peer),
            State::Waiting | State::Locating => {
                entry.candidates.front().and_then(Hop::stream) == Some(peer)
            }
        })
    }
}
