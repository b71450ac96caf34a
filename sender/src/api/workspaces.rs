//! Workspace and token endpoints, for the administrator.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use clarife_webhooks::sender::Plan;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::error::ApiError;
use super::extract::{AdminAuth, Body, Path, WorkspaceAuth};
use super::schemas::{Name, Time};
use super::{Api, DEVELOPMENT, rfc3339, token};
use crate::ids::{TokenId, WorkspaceId};
use crate::store::{ApiToken, Workspace};

/// Limit of a name, in bytes.
pub(super) const MAX_NAME: usize = 200;

/// Plan of a workspace
#[derive(Debug, Clone, Copy, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum PlanName {
    Pro,
    Business,
    Other,
}

impl From<PlanName> for Plan {
    fn from(name: PlanName) -> Self {
        match name {
            PlanName::Pro => Self::Pro,
            PlanName::Business => Self::Business,
            PlanName::Other => Self::Other,
        }
    }
}

impl From<Plan> for PlanName {
    fn from(plan: Plan) -> Self {
        match plan {
            Plan::Pro => Self::Pro,
            Plan::Business => Self::Business,
            _ => Self::Other,
        }
    }
}

/// A workspace
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct WorkspaceView {
    id: String,
    #[schema(value_type = Name)]
    name: String,
    plan: PlanName,
    /// Number of subscriptions that the plan allows
    max_subscriptions: usize,
    #[schema(value_type = Time)]
    created_at: String,
}

impl From<Workspace> for WorkspaceView {
    fn from(workspace: Workspace) -> Self {
        Self {
            id: workspace.id.to_string(),
            name: workspace.name,
            plan: workspace.plan.into(),
            max_subscriptions: workspace.plan.max_subscriptions(),
            created_at: rfc3339::format(workspace.created_at),
        }
    }
}

/// All workspaces
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Workspaces {
    workspaces: Vec<WorkspaceView>,
}

/// A new workspace
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewWorkspace {
    #[schema(value_type = Name)]
    name: String,
    plan: PlanName,
}

/// A change of a workspace
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WorkspaceChange {
    plan: PlanName,
}

/// A new token
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewToken {
    #[schema(value_type = Name)]
    name: String,
    /// Time from which the token is invalid; without it, the token does not expire
    #[schema(value_type = Option<Time>)]
    expires_at: Option<String>,
}

/// A token, without its secret value
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenView {
    id: String,
    #[schema(value_type = Name)]
    name: String,
    #[schema(value_type = Time)]
    created_at: String,
    #[schema(value_type = Option<Time>)]
    expires_at: Option<String>,
}

impl From<&ApiToken> for TokenView {
    fn from(token: &ApiToken) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.clone(),
            created_at: rfc3339::format(token.created_at),
            expires_at: token.expires_at.map(rfc3339::format),
        }
    }
}

/// A new token, with its secret value
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct TokenCreated {
    #[serde(flatten)]
    view: TokenView,
    /// The token itself; shown only once
    token: String,
}

/// Tokens of a workspace
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Tokens {
    tokens: Vec<TokenView>,
}

fn check_name(name: String) -> Result<String, ApiError> {
    if name.trim().is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
        let message = format!("invalid name: must have 1 to {MAX_NAME} bytes, without control characters");
        return Err(ApiError::invalid(message));
    }
    if name == DEVELOPMENT {
        return Err(ApiError::invalid("invalid name: reserved for `serve --dev`"));
    }
    Ok(name)
}

/// Create a workspace
#[utoipa::path(post, path = "/v1/workspaces", operation_id = "createWorkspace", tag = "administration", security(("administrator" = [])), request_body = NewWorkspace, responses(
    (status = 201, description = "The workspace", body = WorkspaceView),
))]
pub(super) async fn create(
    _: AdminAuth,
    State(api): State<Api>,
    Body(new): Body<NewWorkspace>,
) -> Result<(StatusCode, Json<WorkspaceView>), ApiError> {
    let (name, now) = (check_name(new.name)?, api.clock.now());
    let workspace = Workspace::new(WorkspaceId::random(), name, new.plan.into(), now);
    api.store.create_workspace(workspace.clone()).await?;
    Ok((StatusCode::CREATED, Json(workspace.into())))
}

/// List workspaces, oldest first
#[utoipa::path(get, path = "/v1/workspaces", operation_id = "listWorkspaces", tag = "administration", security(("administrator" = [])), responses(
    (status = 200, description = "The workspaces", body = Workspaces),
))]
pub(super) async fn list(_: AdminAuth, State(api): State<Api>) -> Result<Json<Workspaces>, ApiError> {
    let workspaces = api.store.workspaces().await?.into_iter().map(WorkspaceView::from).collect();
    Ok(Json(Workspaces { workspaces }))
}

/// Change a workspace's plan
///
/// Subscriptions beyond the new plan's limit stay.
#[utoipa::path(patch, path = "/v1/workspaces/{id}", operation_id = "changeWorkspace", tag = "administration", security(("administrator" = [])), request_body = WorkspaceChange, params(("id" = String, Path, description = "Id of the workspace")), responses(
    (status = 200, description = "The workspace after the change", body = WorkspaceView),
))]
pub(super) async fn change(
    _: AdminAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(change): Body<WorkspaceChange>,
) -> Result<Json<WorkspaceView>, ApiError> {
    Ok(Json(api.store.set_plan(&WorkspaceId::from(id), change.plan.into()).await?.into()))
}

/// Create a token for a workspace
#[utoipa::path(post, path = "/v1/workspaces/{id}/tokens", operation_id = "createToken", tag = "administration", security(("administrator" = [])), request_body = NewToken, params(("id" = String, Path, description = "Id of the workspace")), responses(
    (status = 201, description = "The token with its secret value", body = TokenCreated),
    (status = 500, description = "The operating system provides no randomness"),
))]
pub(super) async fn create_token(
    _: AdminAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
    Body(new): Body<NewToken>,
) -> Result<(StatusCode, Json<TokenCreated>), ApiError> {
    let secret = token::generate().map_err(|error| ApiError::new(super::Code::Internal, error.to_string()))?;
    let expires_at = new.expires_at.map(|text| rfc3339::parse("expires_at", &text)).transpose()?;
    if expires_at.is_some_and(|end| end <= api.clock.now()) {
        return Err(ApiError::invalid("invalid expires_at: must be in the future"));
    }
    let token = ApiToken {
        id: TokenId::random(),
        workspace: WorkspaceId::from(id),
        name: check_name(new.name)?,
        hash: token::hash(&secret),
        created_at: api.clock.now(),
        expires_at,
    };
    let view = TokenView::from(&token);
    api.store.create_token(token).await?;
    Ok((StatusCode::CREATED, Json(TokenCreated { view, token: secret })))
}

/// List a workspace's tokens, without their secret values
#[utoipa::path(get, path = "/v1/workspaces/{id}/tokens", operation_id = "listTokens", tag = "administration", security(("administrator" = [])), params(("id" = String, Path, description = "Id of the workspace")), responses(
    (status = 200, description = "The tokens", body = Tokens),
))]
pub(super) async fn tokens(
    _: AdminAuth,
    State(api): State<Api>,
    Path(id): Path<String>,
) -> Result<Json<Tokens>, ApiError> {
    let tokens = api.store.tokens(&WorkspaceId::from(id)).await?;
    Ok(Json(Tokens { tokens: tokens.iter().map(TokenView::from).collect() }))
}

/// Delete a token
#[utoipa::path(delete, path = "/v1/workspaces/{id}/tokens/{token_id}", operation_id = "deleteToken", tag = "administration", security(("administrator" = [])), params(("id" = String, Path, description = "Id of the workspace"), ("token_id" = String, Path, description = "Id of the token")), responses(
    (status = 204, description = "The token is deleted"),
))]
pub(super) async fn delete_token(
    _: AdminAuth,
    State(api): State<Api>,
    Path((id, token)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    api.store.delete_token(&WorkspaceId::from(id), &TokenId::from(token)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Get the workspace that the token belongs to
#[utoipa::path(get, path = "/v1/workspace", operation_id = "getOwnWorkspace", tag = "subscriptions", responses(
    (status = 200, description = "The workspace", body = WorkspaceView),
))]
pub(super) async fn own(
    WorkspaceAuth(id): WorkspaceAuth,
    State(api): State<Api>,
) -> Result<Json<WorkspaceView>, ApiError> {
    Ok(Json(api.store.workspace(&id).await?.into()))
}
