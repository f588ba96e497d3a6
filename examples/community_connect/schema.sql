-- The database of Community Connect, a fictional community application.
--
--   psql -X -1 -v ON_ERROR_STOP=1 -d community_connect -f schema.sql
--
-- PostgreSQL 14 to 18. Nothing here is cluster-wide: no role, no tablespace, no setting.
-- Variables:  -v vector=off      the server has no pgvector: embeddings are real[]
--             -v dimensions=384  length of an embedding

\if :{?vector}
\else
  \set vector on
\endif
\if :{?dimensions}
\else
  \set dimensions 384
\endif

SET client_encoding = 'UTF8';
SET client_min_messages = warning;

\if :vector
CREATE EXTENSION IF NOT EXISTS vector WITH SCHEMA public;
\endif

CREATE SCHEMA audit;
COMMENT ON SCHEMA audit IS 'What changed, and what it was before';

CREATE SCHEMA "Meetings & More";
COMMENT ON SCHEMA "Meetings & More" IS 'Imported from a spreadsheet; the names are the spreadsheet''s';

CREATE TYPE public.member_status AS ENUM ('pending', 'active', 'paused', 'left');

CREATE DOMAIN public.email_address AS text
    CONSTRAINT email_address_format CHECK (VALUE ~ '^[^@[:space:]]+@[^@[:space:]]+\.[^@[:space:]]+$');

CREATE DOMAIN public.phone_number AS text
    CONSTRAINT phone_number_format CHECK (VALUE ~ '^\+[0-9]{8,15}$');

-- Not owned by a column: a tool that only looks at owned sequences forgets it.
CREATE SEQUENCE public.message_number;
COMMENT ON SEQUENCE public.message_number IS 'Numbers messages across all partitions; owned by no column';

-- Members ---------------------------------------------------------------------------------------

CREATE TABLE public.community_members (
    id           bigserial PRIMARY KEY,
    name         text NOT NULL,
    nickname     text,
    email        public.email_address NOT NULL,
    phone        public.phone_number,
    city         text,
    status       public.member_status NOT NULL DEFAULT 'pending',
    joined_at    timestamptz NOT NULL,
    preferences  jsonb NOT NULL DEFAULT '{}',
    tags         text[] NOT NULL DEFAULT '{}',
    bio          text,
    email_domain text GENERATED ALWAYS AS (split_part((email)::text, '@', 2)) STORED,
    CONSTRAINT community_members_preferences_object CHECK (jsonb_typeof(preferences) = 'object')
);
CREATE INDEX community_members_email_idx ON public.community_members (email);
CREATE INDEX community_members_joined_at_idx ON public.community_members (joined_at);
CREATE INDEX community_members_tags_idx ON public.community_members USING gin (tags);
CREATE INDEX community_members_active_city_idx ON public.community_members (city) WHERE status = 'active';
COMMENT ON TABLE public.community_members IS 'Everybody who ever signed up';
COMMENT ON COLUMN public.community_members.phone IS 'E.164; unknown for members who signed up by e-mail';
COMMENT ON COLUMN public.community_members.nickname IS 'NULL: never asked. Empty: asked, and wants none';

CREATE TABLE public.member_embeddings (
    member_id  bigint PRIMARY KEY REFERENCES public.community_members (id) ON DELETE CASCADE,
\if :vector
    embedding  public.vector(:dimensions) NOT NULL,
\else
    embedding  real[] NOT NULL CONSTRAINT member_embeddings_dimensions CHECK (cardinality(embedding) = :dimensions),
\endif
    model      text NOT NULL,
    created_at timestamptz NOT NULL
);
COMMENT ON TABLE public.member_embeddings IS 'One embedding of each member''s profile, for matching';

-- Messages --------------------------------------------------------------------------------------

CREATE TABLE public.messages (
    id        bigint NOT NULL DEFAULT nextval('public.message_number'),
    member_id bigint NOT NULL REFERENCES public.community_members (id) ON DELETE CASCADE,
    sent_at   timestamptz NOT NULL,
    channel   varchar(12) NOT NULL CONSTRAINT messages_channel CHECK (channel IN ('whatsapp', 'email', 'dashboard')),
    body      text NOT NULL,
    PRIMARY KEY (id, sent_at)
) PARTITION BY RANGE (sent_at);
COMMENT ON TABLE public.messages IS 'Partitioned by the time of sending, UTC';

CREATE TABLE public.messages_2023 PARTITION OF public.messages
    FOR VALUES FROM ('2023-01-01 00:00:00+00') TO ('2024-01-01 00:00:00+00');
CREATE TABLE public.messages_2024 PARTITION OF public.messages
    FOR VALUES FROM ('2024-01-01 00:00:00+00') TO ('2025-01-01 00:00:00+00');
CREATE TABLE public.messages_2025_h1 PARTITION OF public.messages
    FOR VALUES FROM ('2025-01-01 00:00:00+00') TO ('2025-07-01 00:00:00+00');
CREATE TABLE public.messages_2025_h2 PARTITION OF public.messages
    FOR VALUES FROM ('2025-07-01 00:00:00+00') TO ('2026-01-01 00:00:00+00');
CREATE TABLE public.messages_default PARTITION OF public.messages DEFAULT;
CREATE INDEX messages_member_id_sent_at_idx ON public.messages (member_id, sent_at);

-- Events ----------------------------------------------------------------------------------------

CREATE TABLE public.events (
    id           bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    title        text NOT NULL,
    city         text NOT NULL,
    starts_at    timestamptz NOT NULL,
    capacity     integer CONSTRAINT events_capacity CHECK (capacity > 0),
    organizer_id bigint REFERENCES public.community_members (id) ON DELETE SET NULL
);
COMMENT ON COLUMN public.events.capacity IS 'NULL: unlimited';

CREATE TABLE public.event_registrations (
    event_id      bigint NOT NULL REFERENCES public.events (id) ON DELETE CASCADE,
    member_id     bigint NOT NULL REFERENCES public.community_members (id) ON DELETE CASCADE,
    registered_at timestamptz NOT NULL,
    note          text,
    PRIMARY KEY (event_id, member_id)
);
CREATE INDEX event_registrations_member_id_idx ON public.event_registrations (member_id);

CREATE TABLE "Meetings & More"."Attendance = 100%" (
    "select"                bigint NOT NULL,
    "member id"             bigint NOT NULL,
    "weird ""quoted"" name" text,
    "größe"                 numeric(6, 2),
    CONSTRAINT "Attendance = 100% (key)" PRIMARY KEY ("select", "member id"),
    CONSTRAINT "Attendance → event" FOREIGN KEY ("select") REFERENCES public.events (id),
    CONSTRAINT "Attendance → member" FOREIGN KEY ("member id") REFERENCES public.community_members (id)
);
COMMENT ON TABLE "Meetings & More"."Attendance = 100%" IS 'Who stayed to the end; "select" is the event';
COMMENT ON COLUMN "Meetings & More"."Attendance = 100%"."größe" IS 'Size of the shirt handed out, in cm';

-- The log of changes ----------------------------------------------------------------------------

CREATE TABLE audit.change_log (
    id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    member_id  bigint NOT NULL,
    action     text NOT NULL CONSTRAINT change_log_action CHECK (action IN ('update', 'delete')),
    changed_at timestamptz NOT NULL,
    row_before jsonb NOT NULL
);
COMMENT ON TABLE audit.change_log IS 'Filled by a trigger; no foreign key, because the log outlives the member';

-- An import that replays old changes sets community.clock to the time they were made.
CREATE FUNCTION audit.record_member_change() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    INSERT INTO audit.change_log (member_id, action, changed_at, row_before)
    VALUES (OLD.id, lower(TG_OP),
            coalesce(nullif(current_setting('community.clock', true), '')::timestamptz, now()),
            to_jsonb(OLD));
    RETURN NULL;
END
$function$;

CREATE TRIGGER record_member_change
    AFTER UPDATE OR DELETE ON public.community_members
    FOR EACH ROW EXECUTE FUNCTION audit.record_member_change();

-- Views -----------------------------------------------------------------------------------------

CREATE FUNCTION public.engagement(messages numeric, members bigint) RETURNS numeric
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS 'SELECT round(messages / nullif(members, 0), 2)';
COMMENT ON FUNCTION public.engagement(numeric, bigint) IS 'Messages per member, two decimals';

CREATE VIEW public.active_members AS
SELECT m.id, m.name, m.email, m.phone, m.city, m.tags, e.model AS embedding_model
FROM public.community_members m
LEFT JOIN public.member_embeddings e ON e.member_id = m.id
WHERE m.status = 'active';
COMMENT ON VIEW public.active_members IS 'What the dashboard lists';

CREATE MATERIALIZED VIEW public.city_activity AS
SELECT m.city,
       count(*) AS members,
       sum(coalesce(s.messages, 0)) AS messages,
       max(s.last_sent_at) AS last_sent_at,
       public.engagement(sum(coalesce(s.messages, 0)), count(*)) AS engagement
FROM public.community_members m
LEFT JOIN (SELECT member_id, count(*) AS messages, max(sent_at) AS last_sent_at
           FROM public.messages GROUP BY member_id) s ON s.member_id = m.id
WHERE m.city IS NOT NULL
GROUP BY m.city;
CREATE UNIQUE INDEX city_activity_city_idx ON public.city_activity (city);
COMMENT ON MATERIALIZED VIEW public.city_activity IS 'What the weekly report prints; refreshed on Sundays';
