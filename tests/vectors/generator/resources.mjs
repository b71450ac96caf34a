// Sample resources with all members that docs/protocol.md#section-3-3 lists.
export const DOCUMENT = {
  id: "doc_8Kq2", title: "Onboarding guide", description: "How to start", visibility: "private",
  created_at: "2026-03-01T09:00:00Z", updated_at: "2026-03-28T12:00:00Z",
  block_count: 3, screenshot_count: 1, word_count: 420, template: null, branding_id: null, project_id: "prj_1",
  content: {
    meta: { version: 2, locale: "pl" },
    blocks: [
      { type: "heading", content: "Pierwsze kroki" },
      { type: "text", content: "<p>Otw\u00f3rz <b>ustawienia</b>.</p>" },
      { type: "screenshot", media_id: "med_77" },
    ],
  },
};
export const SHARE = {
  id: "shr_1", document_id: "doc_8Kq2", created_at: "2026-03-28T12:00:00Z", is_active: true, has_password: false,
  show_branding: true, embed_allowed: false, view_count: 12, unique_viewers: 7, expires_at: null,
  last_viewed_at: "2026-03-28T11:59:00Z", embed_type: null, branding_id: null, url: "https://clarife.example/s/onboarding",
  slug: "onboarding", view_style: "with_navigation", allowed_emails: ["ada@example.com"], allowed_domains: [],
};
export const MEDIA = {
  media_id: "med_77", document_id: "doc_8Kq2", filename: "krok 1.png", mime_type: "image/png",
  b2_key: "w/1/med_77.png", file_size_bytes: 204800,
};
export const PROJECT = { id: "prj_1", name: "Product" };
export const FOLDER = { id: "fld_1", name: "Drafts", parent: { id: "fld_0" } };
export const GENERATION = { id: "gen_1", status: "running", progress: 0.5, steps: [1, 2, 3] };

export const BY_KIND = { document: DOCUMENT, share: SHARE, media: MEDIA, project: PROJECT, folder: FOLDER, generation: GENERATION };
