//! What is asked for, read from the address.

use std::num::NonZeroUsize;

use alloy::primitives::Address;
use axum::{
    extract::{FromRequestParts, Path, Query},
    http::request::Parts,
    response::Response,
};
use serde::Deserialize;

use super::problem::Problem;
use crate::{address, error::UserError};

/// A rescue, and perhaps an account.
#[derive(Debug, Clone, Copy)]
pub(super) struct Subject {
    pub(super) rescue: Address,
    /// Zero if the address names none.
    pub(super) account: Address,
}

/// The page of a list, from 1.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page(pub(super) usize);

#[derive(Deserialize)]
struct Named {
    rescue: String,
    account: Option<String>,
}

#[derive(Deserialize)]
struct Paged {
    page: Option<NonZeroUsize>,
}

impl<S: Send + Sync> FromRequestParts<S> for Subject {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let read = async {
            let unreadable = |_| UserError::new("the address of the page cannot be read").hint("check it");
            let Path(Named { rescue, account }) =
                Path::from_request_parts(parts, state).await.map_err(unreadable)?;
            let account = account.map_or(Ok(Address::ZERO), |account| address::parse(&account))?;
            Ok::<_, UserError>(Self { rescue: address::parse(&rescue)?, account })
        };
        let read = read.await;
        read.map_err(|error| Problem::unreadable(error).answer(parts.uri.path()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Page {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        match Query::<Paged>::from_request_parts(parts, state).await {
            Ok(Query(paged)) => Ok(Self(paged.page.map_or(1, NonZeroUsize::get))),
            Err(_) => {
                let error = UserError::new("the number of the page cannot be read").hint("use `?page=1`");
                Err(Problem::unreadable(error).answer(parts.uri.path()))
            }
        }
    }
}

impl Page {
    /// Refuses a page that is not there.
    pub(super) fn within(self, pages: usize, what: &str) -> Result<usize, UserError> {
        let Self(page) = self;
        if page <= pages {
            return Ok(page);
        }
        let pages = crate::event::counted(pages, "page");
        Err(UserError::new(format!("there is no page {page}: the {what} take {pages}"))
            .hint("choose one of these with `?page=`"))
    }
}
