-- pgsafe: no-transaction
-- Commits statement by statement, and batch by batch: there is no transaction left to roll back afterwards.

SET lock_timeout = '5s';

CREATE INDEX CONCURRENTLY community_members_status_idx ON public.community_members (status, id);

DO $$
DECLARE
    batch constant integer := 500;
    last_id constant bigint := (SELECT max(id) FROM public.community_members);
    first_id bigint := 1;
BEGIN
    WHILE first_id <= last_id LOOP
        UPDATE public.community_members
        SET status = 'alumni', preferences = preferences || '{"newsletter": false}'
        WHERE status = 'left' AND id >= first_id AND id < first_id + batch;
        COMMIT;
        first_id := first_id + batch;
    END LOOP;
END
$$;

DROP INDEX CONCURRENTLY public.community_members_joined_at_idx;
