-- The file that the directory has got by the next month: whether a member reads the newsletter.

SET LOCAL lock_timeout = '5s';

ALTER TABLE public.members ADD COLUMN newsletter boolean NOT NULL DEFAULT false;
COMMENT ON COLUMN public.members.newsletter IS 'Asked for it; nobody gets it without';
