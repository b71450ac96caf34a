# Generated from the core by `cargo xtask codegen`: do not edit.
"""A sample event of each type."""

import json
from typing import Any, Final

SAMPLES: Final[dict[str, Any]] = json.loads(r"""{
  "document.created": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "block_count": 3,
      "content": {
        "blocks": [
          {
            "content": "Getting started",
            "type": "heading"
          },
          {
            "content": "<p>Open <b>Settings</b> and choose “Team”.</p>",
            "type": "text"
          },
          {
            "media_id": "med_sample",
            "type": "screenshot"
          }
        ],
        "meta": {
          "locale": "en",
          "version": 1
        }
      },
      "created_at": "2026-03-27T09:30:00Z",
      "description": "How to set up a workspace",
      "id": "doc_sample",
      "project_id": "prj_sample",
      "screenshot_count": 1,
      "template": null,
      "title": "Getting started",
      "updated_at": "2026-03-27T09:30:00Z",
      "visibility": "private",
      "word_count": 7
    },
    "id": "evt_sample_document_created",
    "type": "document.created"
  },
  "document.deleted": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "doc_sample",
      "title": "Getting started"
    },
    "id": "evt_sample_document_deleted",
    "type": "document.deleted"
  },
  "document.updated": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "block_count": 3,
      "content": {
        "blocks": [
          {
            "content": "Getting started",
            "type": "heading"
          },
          {
            "content": "<p>Open <b>Settings</b> and choose “Team”.</p>",
            "type": "text"
          },
          {
            "media_id": "med_sample",
            "type": "screenshot"
          }
        ],
        "meta": {
          "locale": "en",
          "version": 1
        }
      },
      "created_at": "2026-03-27T09:30:00Z",
      "description": "How to set up a workspace",
      "id": "doc_sample",
      "project_id": "prj_sample",
      "screenshot_count": 1,
      "template": null,
      "title": "Getting started",
      "updated_at": "2026-03-28T12:00:00Z",
      "visibility": "private",
      "word_count": 7
    },
    "id": "evt_sample_document_updated",
    "type": "document.updated"
  },
  "folder.created": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "fld_sample"
    },
    "id": "evt_sample_folder_created",
    "type": "folder.created"
  },
  "folder.deleted": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "fld_sample"
    },
    "id": "evt_sample_folder_deleted",
    "type": "folder.deleted"
  },
  "folder.updated": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "fld_sample"
    },
    "id": "evt_sample_folder_updated",
    "type": "folder.updated"
  },
  "generation.completed": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "gen_sample"
    },
    "id": "evt_sample_generation_completed",
    "type": "generation.completed"
  },
  "generation.failed": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "gen_sample"
    },
    "id": "evt_sample_generation_failed",
    "type": "generation.failed"
  },
  "generation.started": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "gen_sample"
    },
    "id": "evt_sample_generation_started",
    "type": "generation.started"
  },
  "media.uploaded": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "b2_key": "media/med_sample/settings.png",
      "document_id": "doc_sample",
      "file_size_bytes": 48213,
      "filename": "settings.png",
      "media_id": "med_sample",
      "mime_type": "image/png"
    },
    "id": "evt_sample_media_uploaded",
    "type": "media.uploaded"
  },
  "project.created": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "prj_sample"
    },
    "id": "evt_sample_project_created",
    "type": "project.created"
  },
  "project.deleted": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "prj_sample"
    },
    "id": "evt_sample_project_deleted",
    "type": "project.deleted"
  },
  "project.updated": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "id": "prj_sample"
    },
    "id": "evt_sample_project_updated",
    "type": "project.updated"
  },
  "share.created": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "allowed_domains": [
        "example.com"
      ],
      "allowed_emails": [
        "reader@example.com"
      ],
      "created_at": "2026-03-28T12:00:00Z",
      "document_id": "doc_sample",
      "embed_allowed": false,
      "expires_at": "2026-06-28T12:00:00Z",
      "has_password": false,
      "id": "shr_sample",
      "is_active": true,
      "show_branding": true,
      "slug": "getting-started",
      "unique_viewers": 0,
      "url": "https://example.com/s/getting-started",
      "view_count": 0,
      "view_style": "with_navigation"
    },
    "id": "evt_sample_share_created",
    "type": "share.created"
  },
  "share.deleted": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "allowed_domains": [
        "example.com"
      ],
      "allowed_emails": [
        "reader@example.com"
      ],
      "created_at": "2026-03-28T12:00:00Z",
      "document_id": "doc_sample",
      "embed_allowed": false,
      "expires_at": "2026-06-28T12:00:00Z",
      "has_password": false,
      "id": "shr_sample",
      "is_active": false,
      "last_viewed_at": "2026-03-28T15:45:00Z",
      "show_branding": true,
      "slug": "getting-started",
      "unique_viewers": 5,
      "url": "https://example.com/s/getting-started",
      "view_count": 12,
      "view_style": "with_navigation"
    },
    "id": "evt_sample_share_deleted",
    "type": "share.deleted"
  },
  "share.updated": {
    "created_at": "2026-03-28T12:00:00Z",
    "data": {
      "allowed_domains": [
        "example.com"
      ],
      "allowed_emails": [
        "reader@example.com"
      ],
      "created_at": "2026-03-28T12:00:00Z",
      "document_id": "doc_sample",
      "embed_allowed": false,
      "expires_at": "2026-06-28T12:00:00Z",
      "has_password": false,
      "id": "shr_sample",
      "is_active": true,
      "last_viewed_at": "2026-03-28T15:45:00Z",
      "show_branding": true,
      "slug": "getting-started",
      "unique_viewers": 5,
      "url": "https://example.com/s/getting-started",
      "view_count": 12,
      "view_style": "with_navigation"
    },
    "id": "evt_sample_share_updated",
    "type": "share.updated"
  }
}""")
