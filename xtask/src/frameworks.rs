//! The table of frameworks, deduplication stores and consumer projects.
//!
//! The documentation's lists and navigation, the constants of adapters, and the runs of consumer projects come from this
//! table. CONTRIBUTING.md lists the other files of a framework.

use anyhow::{Result, ensure};
use xshell::Shell;

use crate::project::root;

/// A framework or runtime with a page or an adapter.
pub struct Framework {
    /// The name in lists.
    pub name: &'static str,
    /// The module to import, or the feature in Rust.
    pub import: &'static str,
    /// The page in `docs/pages/frameworks`, without its extension.
    pub page: Option<&'static str>,
    /// The condition under which the body stays raw, for the list of frameworks.
    pub raw_body: &'static str,
    /// The adapter's hint for `body_not_raw`, in place of the core's general one.
    pub hint: Option<&'static str>,
}

/// A language of the packages.
#[derive(Clone, Copy)]
pub enum Language {
    JavaScript,
    Python,
    Rust,
}

impl Language {
    /// All languages, in the order of the documentation.
    pub const ALL: [Self; 3] = [Self::JavaScript, Self::Python, Self::Rust];

    /// Returns the language's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::JavaScript => "JavaScript",
            Self::Python => "Python",
            Self::Rust => "Rust",
        }
    }

    /// Returns the language's frameworks.
    pub fn frameworks(self) -> &'static [Framework] {
        match self {
            Self::JavaScript => JAVASCRIPT,
            Self::Python => PYTHON,
            Self::Rust => RUST,
        }
    }

    /// Returns the hints of the language's adapters, by the adapters' names.
    pub fn hints(self) -> impl Iterator<Item = (&'static str, &'static str)> {
        self.frameworks().iter().filter_map(|framework| Some((framework.adapter(), framework.hint?)))
    }
}

impl Framework {
    /// Returns the adapter's name, the last part of its import.
    pub fn adapter(&self) -> &'static str {
        self.import.rsplit(['/', '.']).next().unwrap_or_default()
    }
}

/// The import of frameworks whose requests are those of the Fetch API.
const FETCH: &str = "clarife-webhooks";
const UNREAD: &str = "nothing else has read the request";
const NO_MIDDLEWARE: &str = "no middleware has read it";
const NO_EXTRACTOR: &str = "no other extractor has taken the body";

const JAVASCRIPT: &[Framework] = &[
    Framework {
        name: "Express",
        import: "clarife-webhooks/express",
        page: Some("express"),
        raw_body: "the route is before `express.json()`",
        hint: Some(
            "put the receiver's route before app.use(express.json()); if the parser must come first, let it keep the bytes: \
             express.json({ verify: (request, response, bytes) => { request.rawBody = bytes } })",
        ),
    },
    Framework {
        name: "Fastify",
        import: "clarife-webhooks/fastify",
        page: Some("fastify"),
        raw_body: "always, because the plugin has a scope of its own",
        hint: Some("do not read the request before the receiver's plugin: no hook may consume its payload"),
    },
    Framework {
        name: "Koa",
        import: "clarife-webhooks/koa",
        page: Some("koa"),
        raw_body: "the receiver is before the body parser",
        hint: Some(
            "put the receiver before the body parser, or use a parser that keeps the text in ctx.request.rawBody, such \
             as @koa/bodyparser",
        ),
    },
    Framework {
        name: "NestJS",
        import: "clarife-webhooks/nestjs",
        page: Some("nestjs"),
        raw_body: "the application is created with `rawBody: true`",
        hint: Some("create the application with NestFactory.create(AppModule, { rawBody: true })"),
    },
    Framework {
        name: "node:http",
        import: "clarife-webhooks/node",
        page: Some("node"),
        raw_body: UNREAD,
        hint: Some(
            "call the receiver before any other code reads the request, or make that code keep the bytes in request.rawBody; in \
             the pages router of Next.js, export const config = { api: { bodyParser: false } }",
        ),
    },
    Framework { name: "Next.js", import: FETCH, page: Some("nextjs"), raw_body: UNREAD, hint: None },
    Framework { name: "Hono", import: FETCH, page: Some("hono"), raw_body: UNREAD, hint: None },
    Framework { name: "SvelteKit", import: FETCH, page: Some("sveltekit"), raw_body: UNREAD, hint: None },
    Framework { name: "React Router and Remix", import: FETCH, page: Some("remix"), raw_body: UNREAD, hint: None },
    Framework { name: "Astro", import: FETCH, page: Some("astro"), raw_body: UNREAD, hint: None },
    Framework { name: "Cloudflare Workers", import: FETCH, page: Some("cloudflare"), raw_body: UNREAD, hint: None },
    Framework { name: "Deno", import: FETCH, page: Some("deno"), raw_body: UNREAD, hint: None },
    Framework { name: "Bun", import: FETCH, page: Some("bun"), raw_body: UNREAD, hint: None },
    Framework {
        name: "AWS Lambda",
        import: "clarife-webhooks/lambda",
        page: Some("lambda"),
        raw_body: "the event is Lambda's original event",
        hint: Some(
            "pass the receiver the event unchanged, from API Gateway with proxy integration, a function URL or a load \
             balancer",
        ),
    },
];

const PYTHON: &[Framework] = &[
    Framework {
        name: "FastAPI",
        import: "clarife_webhooks.fastapi",
        page: Some("fastapi"),
        raw_body: NO_MIDDLEWARE,
        hint: Some(
            "do not consume request.stream() in a dependency, middleware or form parameter; await request.body() keeps \
             the bytes",
        ),
    },
    Framework {
        name: "Starlette and ASGI",
        import: "clarife_webhooks.asgi",
        page: Some("starlette"),
        raw_body: NO_MIDDLEWARE,
        hint: Some(
            "do not call receive() before the receiver, or pass the body on with a new receive function, as Starlette's \
             BaseHTTPMiddleware does after await request.body()",
        ),
    },
    Framework {
        name: "Django and Django REST Framework",
        import: "clarife_webhooks.django",
        page: Some("django"),
        raw_body: "nothing has read `request.POST` or `request.data`",
        hint: Some(
            "before the receiver, read the body with request.body, which keeps it; in Django REST Framework, call the \
             receiver before anything reads request.data",
        ),
    },
    Framework {
        name: "Flask",
        import: "clarife_webhooks.flask",
        page: Some("flask"),
        raw_body: "nothing has read `request.form`",
        hint: Some(
            "before the receiver, read the body with request.get_data() or request.get_json(), which keep it, and not \
             with request.stream or request.form",
        ),
    },
    Framework {
        name: "WSGI",
        import: "clarife_webhooks.wsgi",
        page: None,
        raw_body: NO_MIDDLEWARE,
        hint: Some(
            "do not read wsgi.input in middleware, or replace it with a stream of the same bytes; for bodies without a \
             length, use a server that sets wsgi.input_terminated",
        ),
    },
    Framework {
        name: "aiohttp",
        import: "clarife_webhooks.aiohttp",
        page: Some("aiohttp"),
        raw_body: "nothing has read `request.post()`",
        hint: Some(
            "before the receiver, read the body with await request.read() or request.json(), which keep it, and not \
             with request.content or request.post()",
        ),
    },
];

const RUST: &[Framework] = &[
    Framework { name: "axum", import: "axum", page: Some("axum"), raw_body: NO_EXTRACTOR, hint: None },
    Framework { name: "tower and hyper", import: "tower", page: Some("tower"), raw_body: "always", hint: None },
    Framework { name: "actix-web", import: "actix-web", page: Some("actix-web"), raw_body: NO_EXTRACTOR, hint: None },
    Framework {
        name: "Cloudflare Workers in Rust",
        import: "js",
        page: Some("cloudflare-rust"),
        raw_body: UNREAD,
        hint: None,
    },
];

/// Modules other than adapters: deduplication stores with a shared server, and helpers for tests.
///
/// A store in Rust is a feature, and the stores in memory are in the main modules.
pub const MODULES: [(Language, &str); 6] = [
    (Language::JavaScript, "clarife-webhooks/cloudflare"),
    (Language::JavaScript, "clarife-webhooks/redis"),
    (Language::JavaScript, "clarife-webhooks/testing"),
    (Language::Python, "clarife_webhooks.redis"),
    (Language::Python, "clarife_webhooks.testing"),
    (Language::Rust, "redis"),
];

/// A project in `tests/e2e/consumers` that receives deliveries.
pub struct Project {
    /// The folder.
    pub name: &'static str,
    /// The way in which the tests start the project.
    pub start: Start,
    /// The responses to an event, and to the event again.
    pub responses: [&'static str; 2],
}

/// The command of a project.
#[derive(Clone, Copy)]
pub enum Start {
    /// `node server.mjs`.
    Node,
    /// `node dist/server.js`, after TypeScript has compiled the project.
    TypeScript,
    /// `handler.mjs` behind a server that behaves like API Gateway.
    Lambda,
    /// A command in a project with npm packages of its own, after `npm run build`.
    App(&'static str),
    /// `worker.mjs` in workerd.
    Worker,
    /// A crate for WebAssembly in workerd.
    WorkerRust,
    /// `deno run server.ts`.
    Deno,
    /// `bun server.ts`.
    Bun,
    /// `python server.py`.
    Python,
    /// A Python module with arguments, of which the port is the last.
    PythonModule(&'static str),
    /// `django runserver`.
    Django,
    /// The program of a crate, which is called `consumer-<folder>`.
    Cargo,
}

const ONCE: [&str; 2] = ["200 handled", "200 duplicate"];
const UVICORN: Start = Start::PythonModule("uvicorn --no-access-log server:app --port");
const FLASK: Start = Start::PythonModule("flask --app server run --port");

/// The projects that receive deliveries, in the order of the tests.
pub const PROJECTS: &[Project] = &[
    Project { name: "node", start: Start::Node, responses: ONCE },
    Project { name: "typescript-esm", start: Start::TypeScript, responses: ONCE },
    Project { name: "typescript-commonjs", start: Start::TypeScript, responses: ONCE },
    Project { name: "express", start: Start::Node, responses: ONCE },
    Project { name: "fastify", start: Start::Node, responses: ONCE },
    Project { name: "koa", start: Start::Node, responses: ONCE },
    Project { name: "nestjs", start: Start::TypeScript, responses: ONCE },
    // Without a store, because instances share no memory.
    Project { name: "lambda", start: Start::Lambda, responses: ["200 handled", "200 handled"] },
    Project { name: "hono", start: Start::Node, responses: ONCE },
    Project { name: "nextjs", start: Start::App("next start . --hostname 127.0.0.1"), responses: ONCE },
    Project { name: "sveltekit", start: Start::App("node build"), responses: ONCE },
    Project { name: "react-router", start: Start::App("react-router-serve build/server/index.js"), responses: ONCE },
    Project { name: "astro", start: Start::App("node dist/server/entry.mjs"), responses: ONCE },
    Project { name: "worker", start: Start::Worker, responses: ONCE },
    Project { name: "deno", start: Start::Deno, responses: ONCE },
    Project { name: "bun", start: Start::Bun, responses: ONCE },
    Project { name: "other-node", start: Start::Node, responses: ONCE },
    Project { name: "redis-node", start: Start::Node, responses: ONCE },
    // The user's function returns the response, but the dependency responds to duplicates.
    Project { name: "fastapi", start: UVICORN, responses: ["200", "200 duplicate"] },
    Project { name: "starlette", start: UVICORN, responses: ONCE },
    Project { name: "django", start: Start::Django, responses: ONCE },
    Project { name: "flask", start: FLASK, responses: ONCE },
    Project { name: "aiohttp", start: Start::Python, responses: ONCE },
    Project { name: "other-python", start: Start::Python, responses: ONCE },
    Project { name: "redis-python", start: FLASK, responses: ONCE },
    Project { name: "own-store", start: FLASK, responses: ONCE },
    Project { name: "axum", start: Start::Cargo, responses: ONCE },
    // The user's function returns the response, and an extractor does not deduplicate.
    Project { name: "axum-extractor", start: Start::Cargo, responses: ["204", "204"] },
    Project { name: "tower", start: Start::Cargo, responses: ONCE },
    Project { name: "actix-web", start: Start::Cargo, responses: ONCE },
    Project { name: "redis-rust", start: Start::Cargo, responses: ONCE },
    Project { name: "worker-rust", start: Start::WorkerRust, responses: ONCE },
];

/// Returns all modules of a language beside the main one, in alphabetical order.
pub fn modules(language: Language) -> Vec<&'static str> {
    let adapters = language.frameworks().iter().map(|framework| framework.import).filter(|&import| import != FETCH);
    let others = MODULES.iter().filter(|(of, _)| of.name() == language.name()).map(|&(_, module)| module);
    let mut modules: Vec<_> = adapters.chain(others).collect();
    modules.sort_unstable();
    modules
}

/// Checks that the packages have all modules of the table, and that pages and projects exist.
pub fn check(sh: &Shell) -> Result<()> {
    let cargo = sh.read_file(root().join("core/Cargo.toml"))?;
    for module in modules(Language::JavaScript) {
        let file = format!("{}.ts", module.replacen("clarife-webhooks", "bindings-node/adapters", 1));
        ensure!(root().join(&file).is_file(), "no module {file}");
    }
    for module in modules(Language::Python) {
        let file = format!("bindings-python/python/{}.py", module.replace('.', "/"));
        ensure!(root().join(&file).is_file(), "no module {file}");
    }
    for feature in modules(Language::Rust) {
        ensure!(cargo.contains(&format!("\n{feature} = [")), "no feature {feature} in core/Cargo.toml");
    }
    for page in Language::ALL.iter().flat_map(|language| language.frameworks()).filter_map(|framework| framework.page) {
        ensure!(root().join(format!("docs/pages/frameworks/{page}.md")).is_file(), "no page of {page}");
    }
    for project in PROJECTS {
        ensure!(
            root().join("tests/e2e/consumers").join(project.name).is_dir(),
            "no project tests/e2e/consumers/{}",
            project.name
        );
    }
    Ok(())
}
