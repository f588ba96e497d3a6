-- Biographies move to a table of their own, venues to another. Commits.

SET LOCAL lock_timeout = '5s';

-- Cannot be taken back: PostgreSQL has no way to drop a value of an enum.
ALTER TYPE public.member_status ADD VALUE 'alumni' BEFORE 'left';

CREATE TABLE public.member_bios (
    member_id bigint PRIMARY KEY REFERENCES public.community_members (id) ON DELETE CASCADE,
    bio       text NOT NULL
);
INSERT INTO public.member_bios (member_id, bio)
SELECT id, bio FROM public.community_members WHERE bio <> '';

-- Loses the difference between NULL and '', as such migrations do.
ALTER TABLE public.community_members DROP COLUMN bio;

CREATE TABLE public.venues (
    id   bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    city text NOT NULL UNIQUE
);
INSERT INTO public.venues (city) SELECT DISTINCT city FROM public.events ORDER BY city;
ALTER TABLE public.events ADD COLUMN venue_id bigint REFERENCES public.venues (id);
UPDATE public.events e SET venue_id = v.id FROM public.venues v WHERE v.city = e.city;
ALTER TABLE public.events ALTER COLUMN venue_id SET NOT NULL, DROP COLUMN city;
