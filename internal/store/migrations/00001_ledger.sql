-- +goose Up
-- Times are Unix milliseconds (UTC), 0 or null where unknown; lists and maps are JSON text.

create table tenants (
    id           text   not null primary key,
    product      text   not null,
    external_ref text   not null,
    name         text   not null,
    created_at   bigint not null,
    unique (product, external_ref)
);

create table api_keys (
    id         text   not null primary key,
    product    text   not null,
    tenant_id  text   not null,
    name       text   not null,
    hash       bytea  not null unique,
    roles      text   not null,
    created_at bigint not null,
    expires_at bigint,
    revoked_at bigint
);

create table connections (
    id              text   not null primary key,
    tenant_id       text   not null references tenants (id),
    product         text   not null,
    connector       text   not null,
    state           text   not null,
    problem         text   not null,
    revision        bigint not null,
    epoch           bigint not null,
    account         text   not null,
    fields          text   not null,
    report          text,
    checked_at      bigint,
    mode            text   not null,
    hook_token      text   not null,
    subscription    text   not null,
    product_cursor  text   not null,
    receipt         text   not null,
    created_at      bigint not null,
    updated_at      bigint not null
);
create index connections_by_tenant on connections (tenant_id, id);

-- When the ATS was last heard; apart, so that deliveries never wait for a claim.
create table heard (
    connection_id text   not null primary key,
    at            bigint not null
);

create table secrets (
    connection_id text   not null references connections (id),
    field         text   not null,
    tenant_id     text   not null,
    sealed        bytea  not null,
    hint          text   not null,
    updated_at    bigint not null,
    primary key (connection_id, field)
);

create table job_links (
    id              text   not null primary key,
    tenant_id       text   not null,
    connection_id   text   not null references connections (id),
    job_id          text   not null,
    job_name        text   not null,
    job_code        text   not null,
    state           text   not null,
    gen             bigint not null,
    origin          text   not null,
    product_ref     text   not null,
    calibration_url text   not null,
    activated_at    bigint,
    synced_at       bigint,
    watermark       bigint,
    problem         text   not null,
    created_at      bigint not null,
    updated_at      bigint not null,
    unique (connection_id, job_id)
);
create index job_links_by_tenant on job_links (tenant_id, id);

create table triggers (
    id             text   not null primary key,
    tenant_id      text   not null,
    link_id        text   not null references job_links (id),
    kind           text   not null,
    status         text   not null,
    stage_id       text   not null,
    stage_name     text   not null,
    allow_terminal bigint not null,
    created_at     bigint not null,
    removed_at     bigint
);
create index triggers_by_link on triggers (link_id);
create index triggers_by_tenant on triggers (tenant_id) where removed_at is null;

create table events (
    id             text   not null primary key,
    tenant_id      text   not null,
    connection_id  text   not null,
    source         text   not null,
    dedupe         text   not null,
    kind           text   not null,
    source_name    text   not null,
    job_id         text   not null,
    candidate_id   text   not null,
    application_id text   not null,
    interview_id   text   not null,
    status         text   not null,
    headers        text   not null,
    body           bytea,
    received_at    bigint not null,
    occurred_at    bigint,
    disposition    text   not null,
    reason         text   not null,
    settled_at     bigint
);
create index events_by_tenant on events (tenant_id, id);
create index events_by_connection on events (connection_id, id);
create index events_by_age on events (received_at) where body is not null;

-- Narrow on purpose: every delivery looks here, rows leave when they expire.
create table event_keys (
    dedupe     bytea  not null primary key,
    event_id   text   not null,
    expires_at bigint not null
);
create index event_keys_by_age on event_keys (expires_at);

create table actions (
    id             text   not null primary key,
    tenant_id      text   not null,
    connection_id  text   not null,
    link_id        text   not null,
    kind           text   not null,
    op             text   not null,
    natural_key    text   not null,
    gen            bigint not null,
    state          text   not null,
    reason         text   not null,
    outcome        text   not null,
    job_id         text   not null,
    candidate_id   text   not null,
    application_id text   not null,
    slot_id        text   not null,
    trigger_id     text   not null,
    event_id       text   not null,
    plan_id        text   not null,
    target         text   not null,
    payload        text   not null,
    receipt        text   not null,
    attempts       bigint not null,
    actor          text   not null,
    created_at     bigint not null,
    updated_at     bigint not null,
    settled_at     bigint,
    unique (tenant_id, natural_key)
);
create index actions_by_tenant on actions (tenant_id, id);
create index actions_by_link on actions (link_id, id);
create index actions_by_slot on actions (slot_id) where slot_id <> '';
create index actions_by_candidate on actions (tenant_id, candidate_id, job_id);
create index actions_open on actions (connection_id, state) where state in ('ready', 'sending', 'uncertain', 'armed', 'parked');

create table work (
    id            text   not null primary key,
    tenant_id     text   not null,
    connection_id text   not null,
    queue         text   not null,
    kind          text   not null,
    ref           text   not null,
    state         text   not null,
    due_at        bigint not null,
    every         bigint not null,
    ring          bigint not null,
    token         text   not null,
    lease_until   bigint not null,
    attempt       bigint not null,
    failures      bigint not null,
    failing_since bigint,
    again_at      bigint,
    last_error    text   not null,
    created_at    bigint not null,
    unique (kind, ref)
);
create index work_later on work (due_at) where state = 'later';
create index work_ready on work (queue, tenant_id, due_at, id) where state = 'ready';
create index work_taken on work (lease_until) where state in ('dispatched', 'running');
create index work_by_connection on work (connection_id);

create table applications (
    connection_id     text   not null,
    job_id            text   not null,
    candidate_id      text   not null,
    tenant_id         text   not null,
    application_id    text   not null,
    stage_id          text   not null,
    stage_entered_at  bigint,
    status            text   not null,
    display_name      text   not null,
    properties_hash   text   not null,
    product_candidate text   not null,
    updated_at        bigint,
    seen_at           bigint not null,
    primary key (connection_id, job_id, candidate_id)
);

create table slots (
    id             text   not null primary key,
    tenant_id      text   not null,
    connection_id  text   not null,
    link_id        text   not null,
    job_id         text   not null,
    candidate_id   text   not null,
    application_id text   not null,
    interview_id   text   not null,
    session_id     text   not null,
    title          text   not null,
    starts_at      bigint not null,
    ends_at        bigint not null,
    timezone       text   not null,
    meeting_url    text   not null,
    gen            bigint not null,
    cancelled      bigint not null,
    reason         text   not null,
    seen_at        bigint not null,
    unique (connection_id, interview_id, session_id)
);
create index slots_by_start on slots (tenant_id, starts_at, id);
create index slots_by_link on slots (link_id, starts_at);

create table plans (
    id            text   not null primary key,
    tenant_id     text   not null,
    connection_id text   not null,
    kind          text   not null,
    job_id        text   not null,
    link_id       text   not null,
    request       text   not null,
    content       text   not null,
    digest        text   not null,
    actor         text   not null,
    created_at    bigint not null,
    expires_at    bigint not null,
    used_at       bigint
);
create index plans_by_age on plans (expires_at);

create table syncs (
    id            text   not null primary key,
    tenant_id     text   not null,
    connection_id text   not null,
    link_id       text   not null,
    asked         text   not null,
    actor         text   not null,
    started_at    bigint not null,
    finished_at   bigint,
    summary       text   not null,
    problem       text   not null
);
create index syncs_by_link on syncs (link_id, id);

create table trail (
    id            text   not null primary key,
    tenant_id     text   not null,
    connection_id text   not null,
    at            bigint not null,
    kind          text   not null,
    job_id        text   not null,
    candidate_id  text   not null,
    interview_id  text   not null,
    event_id      text   not null,
    action_id     text   not null,
    what          text   not null,
    verdict       text   not null,
    detail        text   not null,
    actor         text   not null
);
create index trail_by_candidate on trail (connection_id, candidate_id, id) where candidate_id <> '';
create index trail_by_interview on trail (connection_id, interview_id, id) where interview_id <> '';
create index trail_by_tenant on trail (tenant_id, id);
create index trail_by_action on trail (action_id, id) where action_id <> '';

create table idempotency (
    scope      text   not null,
    key_hash   bytea  not null,
    request    bytea  not null,
    status     bigint not null,
    body       bytea,
    created_at bigint not null,
    primary key (scope, key_hash)
);
create index idempotency_by_age on idempotency (created_at);

create table broker (
    id    bigint not null primary key,
    epoch text   not null
);

-- +goose Down
drop table broker;
drop table idempotency;
drop table trail;
drop table syncs;
drop table plans;
drop table slots;
drop table applications;
drop table work;
drop table actions;
drop table event_keys;
drop table events;
drop table triggers;
drop table job_links;
drop table secrets;
drop table heard;
drop table connections;
drop table api_keys;
drop table tenants;
