//! Index of all API tokens in memory, for authenticating requests.

use std::collections::HashMap;

use clarife_webhooks::UnixTime;

use super::{ApiToken, TokenHash};
use crate::ids::WorkspaceId;

/// API tokens by hash.
#[derive(Debug, Default)]
pub(super) struct TokenIndex(HashMap<TokenHash, ApiToken>);

impl TokenIndex {
    pub(super) fn put(&mut self, token: ApiToken) {
        self.0.insert(token.hash, token);
    }

    pub(super) fn remove(&mut self, hash: &TokenHash) {
        self.0.remove(hash);
    }

    /// Returns a workspace's tokens, oldest first.
    pub(super) fn of(&self, workspace: &WorkspaceId) -> Vec<ApiToken> {
        let mut tokens: Vec<ApiToken> =
            self.0.values().filter(|token| token.workspace == *workspace).cloned().collect();
        tokens.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
        tokens
    }

    /// Returns the workspace that a token gives access to, unless the token has expired.
    pub(super) fn authenticate(&self, hash: &TokenHash, now: UnixTime) -> Option<WorkspaceId> {
        let token = self.0.get(hash)?;
        token.expires_at.is_none_or(|end| now < end).then(|| token.workspace.clone())
    }
}
