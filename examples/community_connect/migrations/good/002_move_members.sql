-- Copies every member; the old tables keep their rows.

SET LOCAL lock_timeout = '5s';

-- Readers go on; a writer now would be missing in the copy.
LOCK TABLE public.community_members, public.member_embeddings IN SHARE MODE;

INSERT INTO public.members (id, name, email, phone, status, joined_at)
SELECT id, name, email, phone, status, joined_at
FROM public.community_members
ORDER BY id;

INSERT INTO public.member_profiles
    (member_id, nickname, city, preferences, tags, bio, embedding, embedding_model, embedded_at)
SELECT m.id, m.nickname, m.city, m.preferences, m.tags, m.bio, e.embedding, e.model, e.created_at
FROM public.community_members m
LEFT JOIN public.member_embeddings e ON e.member_id = m.id
ORDER BY m.id;

-- Continue where the old sequence stands, not at max(id): numbers given out once are not given out again.
SELECT setval(pg_get_serial_sequence('public.members', 'id'), last_value, is_called)
FROM public.community_members_id_seq;
